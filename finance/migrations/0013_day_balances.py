"""What each day moved, summed: so that a report of months that are still open need not read every posting.

A day's sums are computed anew from all its postings, never added to. Beside them stands how far in each journal's chain
they reach; postings of entries that were sealed after that are read as such. Both are written in one statement, so a
reader sees neither without the other, and the figures are exact whenever and however seldom this runs.
"""

import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models

FORWARD = r"""
-- Sums anew the days that were posted to since the last time; how many. Nothing is left to the caller: the tables are
-- sealed, and this acts as their owner.
CREATE FUNCTION finance_sum_days() RETURNS integer LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    kept finance_daysummary;
    purse bigint[];
    summed integer;
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'days are summed as of now: ask in a transaction that reads what is committed';
    END IF;
    INSERT INTO finance_daysummary (id, marks, money) VALUES (1, '{}', '{}') ON CONFLICT DO NOTHING;
    SELECT * INTO kept FROM finance_daysummary WHERE id = 1 FOR UPDATE;  -- one at a time
    SELECT coalesce(array_agg(id ORDER BY id), '{}') INTO purse FROM (
        SELECT id FROM finance_account WHERE cash_flow = 'cash' AND NOT is_group
        UNION SELECT transit_id FROM finance_bankaccount) m;
    -- One statement is one moment of the books: the marks that it writes are those up to which it read.
    WITH head AS MATERIALIZED (
        SELECT journal_id, seq, coalesce((kept.marks ->> journal_id::text)::bigint, 0) AS mark FROM finance_journalhead
    ), days AS MATERIALIZED (
        SELECT DISTINCT e."on" FROM head h JOIN finance_entryseal s ON s.journal_id = h.journal_id AND s.seq > h.mark
        JOIN finance_journalentry e ON e.id = s.entry_id WHERE purse = kept.money
        UNION SELECT DISTINCT "on" FROM finance_posting WHERE purse <> kept.money
    ), made AS (
        INSERT INTO finance_daybalance AS b ("on", account_id, cost_centre_id, debit, credit, flow)
        SELECT d."on", p.* FROM days d CROSS JOIN LATERAL (  -- day by day, by the index, however many they are
            SELECT q.account_id, q.cost_centre_id, sum(greatest(q.amount, 0)), -sum(least(q.amount, 0)),
                   coalesce(-sum(q.amount) FILTER (WHERE q.paid AND q.account_id <> ALL (purse)), 0)
            FROM (SELECT account_id, cost_centre_id, amount,
                         bool_or(account_id = ANY (purse)) OVER (PARTITION BY entry_id) AS paid
                  FROM finance_posting WHERE "on" = d."on") q
            GROUP BY 1, 2 OFFSET 0
        ) p
        ON CONFLICT ("on", account_id, cost_centre_id) DO UPDATE
        SET debit = excluded.debit, credit = excluded.credit, flow = excluded.flow
        WHERE (b.debit, b.credit, b.flow) <> (excluded.debit, excluded.credit, excluded.flow)
    ), marked AS (
        UPDATE finance_daysummary SET money = purse,
            marks = (SELECT coalesce(jsonb_object_agg(journal_id, seq), '{}') FROM head) WHERE id = 1
    )
    SELECT count(*) INTO summed FROM days;
    RETURN summed;
END $$;
"""

BACKWARD = "DROP FUNCTION finance_sum_days()"


class Migration(migrations.Migration):
    dependencies = [("finance", "0012_line_void")]

    operations = [
        migrations.CreateModel(
            name="DaySummary",
            fields=[
                ("id", models.SmallIntegerField(default=1, primary_key=True, serialize=False)),
                ("marks", models.JSONField(default=dict)),
                (
                    "money",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.BigIntegerField(), default=list, size=None
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("id", 1)), name="finance_day_summary_one"),
                ],
            },
        ),
        migrations.CreateModel(
            name="DayBalance",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("on", models.DateField()),
                ("debit", models.DecimalField(decimal_places=2, max_digits=20)),
                ("credit", models.DecimalField(decimal_places=2, max_digits=20)),
                ("flow", models.DecimalField(decimal_places=2, max_digits=20)),
                (
                    "account",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="finance.account",
                    ),
                ),
                (
                    "cost_centre",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="finance.costcentre",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("on", "account", "cost_centre"), name="finance_day_balance_once", nulls_distinct=False
                    ),
                ],
            },
        ),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
