import re
import threading
from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.http import HttpResponse, HttpResponseRedirect
from django.test import Client, RequestFactory
from django.utils import timezone, translation
from hypothesis import given
from hypothesis import strategies as st

from backoffice.core.forms import DateField, Form, MoneyField, TaxIdField, once
from backoffice.core.models import AuditEntry, HeldFilter, Party, Submission, Task
from backoffice.core.money import LARGEST
from backoffice.core.services import submissions
from tests.factories.people import person


class Payment(Form):
    amount = MoneyField(label="Amount", min_value=Decimal("0.01"))
    on = DateField(label="On", required=False)
    payee = TaxIdField(label="Payee", required=False)


def test_an_amount_with_the_wrong_mark_is_refused_with_the_right_one_offered():
    with translation.override("pt-br"):
        errors = Payment({"amount": "12.50"}).errors["amount"]

    assert "12,50" in errors[0]


def test_a_wrong_form_keeps_what_was_typed():
    form = Payment({"amount": "dez reais", "on": "31/02/2026", "payee": "123"})

    page = form.as_div()

    assert set(form.errors) == {"amount", "on", "payee"}
    assert 'value="dez reais"' in page
    assert 'value="123"' in page
    assert "required" not in re.sub(r'class="[^"]*"|<p.*?</p>', "", page)


@given(amount=st.decimals(min_value="0.01", max_value=LARGEST, places=2), language=st.sampled_from(["pt-br", "en"]))
def test_the_amount_a_field_shows_is_the_amount_it_reads(amount, language):
    with translation.override(language):
        field = Payment(initial={"amount": amount})["amount"]
        shown = field.field.widget.format_value(field.value())

        assert Payment({"amount": shown}).is_valid()
        assert Payment({"amount": shown}).fields["amount"].clean(shown) == amount


@given(text=st.text(max_size=40))
def test_any_text_in_any_field_is_read_or_refused(text):
    form = Payment({"amount": text, "on": text, "payee": text})

    assert form.is_valid() or form.errors


@pytest.mark.parametrize(
    ("language", "text", "day"),
    [
        ("pt-br", "03/04/2026", date(2026, 4, 3)),
        ("pt-br", "2026-04-03", date(2026, 4, 3)),
        ("en", "2026-04-03", date(2026, 4, 3)),
    ],
)
def test_dates_are_read_as_the_reader_writes_them(language, text, day):
    with translation.override(language):
        assert DateField().clean(text) == day


def test_a_year_far_away_is_a_slip():
    assert "on" in Payment({"amount": "1", "on": "0206-01-01"}).errors


# sent once


def sender(view, user):
    def send(key: str, **fields: str) -> HttpResponse:
        request = RequestFactory().post("/pay/", {"once": key, **fields})
        request.user = user
        return view(request)

    return send


@pytest.mark.django_db
def test_a_form_sent_twice_takes_effect_once():
    user, done = person("finance_clerk"), []

    @once
    def pay(request):
        done.append(1)
        return HttpResponseRedirect(f"/paid/{len(done)}/")

    send = sender(pay, user)

    assert [send("a" * 20, amount="1")["Location"] for _ in range(3)] == ["/paid/1/"] * 3
    assert send("b" * 20, amount="1")["Location"] == "/paid/2/"


@pytest.mark.django_db(transaction=True)
def test_a_form_sent_by_two_clicks_at_once_takes_effect_once():
    user = person("finance_clerk")
    both = threading.Barrier(2, timeout=10)

    @once
    def pay(request):
        task = Task.objects.create(title="pay", assignee=user, asked_by=user)
        return HttpResponseRedirect(f"/tasks/{task.pk}/")

    answers = []

    def click() -> None:
        both.wait()
        answers.append(sender(pay, user)("k" * 20, amount="1")["Location"])
        connection.close()

    clicks = [threading.Thread(target=click) for _ in range(2)]
    for one in clicks:
        one.start()
    for one in clicks:
        one.join()

    assert Task.objects.count() == 1
    assert len(set(answers)) == 1


@pytest.mark.django_db
def test_another_body_or_another_person_under_the_same_key_is_a_conflict(client):
    user = person("finance_clerk", language="en")
    client.force_login(user)
    body = {
        "once": "k" * 20, "kind": "person", "name": "Ana", "email": "", "phone": "",
        "address-TOTAL_FORMS": "0", "address-INITIAL_FORMS": "0",
    }  # fmt: skip
    stranger = Client()
    stranger.force_login(person("finance_clerk"))

    assert client.post("/parties/new/", body).status_code == 302
    assert client.post("/parties/new/", {**body, "name": "Eva"}).status_code == 409
    assert stranger.post("/parties/new/", body).status_code == 409
    assert list(Party.objects.values_list("name", flat=True)) == ["Ana"]


@pytest.mark.django_db
def test_an_answer_with_errors_frees_the_key():
    user = person("finance_clerk")
    answers = iter([HttpResponse(status=422), HttpResponseRedirect("/paid/")])
    send = sender(once(lambda request: next(answers)), user)

    assert send("k" * 20).status_code == 422
    assert not Submission.objects.exists()
    assert send("k" * 20).status_code == 302


@pytest.mark.django_db
def test_keys_and_held_filters_are_forgotten_in_time():
    user, now = person("finance_clerk"), timezone.now()
    for age in (1, 3, 31):
        sent = Submission.objects.create(key=f"key-{age}", user=user, fingerprint="x")
        held = HeldFilter.objects.create(token=f"token-{age}", user=user, list_key="core.parties")
        Submission.objects.filter(pk=sent.pk).update(at=now - timedelta(days=age))
        HeldFilter.objects.filter(pk=held.pk).update(held_at=now - timedelta(days=age))

    submissions.forget_old(now=now)

    assert set(Submission.objects.values_list("key", flat=True)) == {"key-1"}
    assert set(HeldFilter.objects.values_list("token", flat=True)) == {"token-1", "token-3"}


# two people at one record


def sent_form(client: Client, url: str) -> dict[str, str]:
    page = client.get(url).content.decode()
    main = page[page.index("data-once") :]
    fields = dict(re.findall(r'<input[^>]* name="([^"]+)" value="([^"]*)"', main))
    fields |= {name: value for value, name in re.findall(r'<input[^>]*value="([^"]*)"[^>]*name="([^"]+)"', main)}
    return {name: value for name, value in fields.items() if not name.endswith("DELETE")} | {"kind": "person"}


@pytest.mark.django_db
def test_the_second_of_two_people_sees_both_versions_and_keeps_their_text():
    party = Party.objects.create(name="Ana", email="ana@example.com")
    first, second = Client(), Client()
    for one in (first, second):
        one.force_login(person("finance_clerk", language="en"))
    url = f"/parties/{party.pk}/edit/"
    mine, theirs = sent_form(first, url), sent_form(second, url)

    assert first.post(url, {**mine, "name": "Ana Lima"}).status_code == 302
    answer = second.post(url, {**theirs, "name": "Ana Souza"})

    page = answer.content.decode()
    assert answer.status_code == 409
    assert "<td>Ana Lima</td>" in page
    assert 'value="Ana Souza"' in page
    party.refresh_from_db()
    assert (party.name, party.version) == ("Ana Lima", 2)
    again = dict(re.findall(r'name="(version|once)" value="([^"]+)"', page))
    assert second.post(url, {**theirs, **again, "name": "Ana Souza"}).status_code == 302
    party.refresh_from_db()
    assert (party.name, party.version) == ("Ana Souza", 3)


@pytest.mark.django_db
def test_the_trail_tells_what_changed_and_never_a_whole_cpf(client):
    client.force_login(person("finance_clerk", language="en"))
    party = Party.objects.create(name="Ana", tax_id="52998224725")
    url = f"/parties/{party.pk}/edit/"

    client.post(url, {**sent_form(client, url), "name": "Eva", "tax_id": "111.444.777-35", "roles": ["supplier"]})

    entry = AuditEntry.objects.get(action="core.party_changed")
    assert entry.data["changes"] == {
        "name": ["Ana", "Eva"],
        "tax_id": ["***.982.247-**", "***.444.777-**"],
        "roles": ["", "supplier"],
    }


@pytest.mark.django_db
def test_a_cpf_is_masked_until_somebody_asks_and_that_is_kept(client):
    client.force_login(person("finance_clerk", language="en"))
    party = Party.objects.create(name="Ana", tax_id="52998224725")

    masked = client.get(f"/parties/{party.pk}/").content.decode()
    whole = client.post(f"/parties/{party.pk}/tax-id/").content.decode()

    assert "***.982.247-**" in masked
    assert "529" not in masked
    assert "529.982.247-25" in whole
    assert AuditEntry.objects.filter(action="core.tax_id_shown", subject=party.ref).count() == 1
    reader = Client()
    reader.force_login(person("director"))
    assert reader.post(f"/parties/{party.pk}/tax-id/").status_code == 403


@pytest.mark.django_db
def test_addresses_and_checks_of_a_new_party(client):
    client.force_login(person("finance_clerk", language="en"))
    body = {
        "kind": "organisation", "name": "Casa Ltda", "tax_id": "12.ABC.345/01DE-35", "roles": ["supplier"],
        "phone": "(11) 3333-4444",
        "address-TOTAL_FORMS": "2", "address-INITIAL_FORMS": "0",
        "address-0-city": "Santos", "address-0-state": "SP", "address-0-postal_code": "11010-100",
    }  # fmt: skip

    assert client.post("/parties/new/", {**body, "kind": "person"}).status_code == 422
    assert client.post("/parties/new/", {**body, "address-0-state": ""}).status_code == 422
    assert client.post("/parties/new/", body).status_code == 302
    assert client.post("/parties/new/", body).status_code == 422  # the CNPJ is taken

    party = Party.objects.get()
    assert (party.tax_id, party.phone) == ("12ABC34501DE35", "1133334444")
    assert list(party.addresses.values_list("city", "state", "postal_code")) == [("Santos", "SP", "11010100")]
