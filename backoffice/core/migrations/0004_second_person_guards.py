"""Rights, roles and approvals hold in the database too, whatever door is used."""

from django.db import migrations

FORWARD = """
CREATE FUNCTION core_holds_right(person bigint, wanted text) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (
        SELECT FROM core_user u
        JOIN core_user_groups m ON m.user_id = u.id
        JOIN auth_group_permissions g ON g.group_id = m.group_id
        JOIN auth_permission p ON p.id = g.permission_id AND p.codename = wanted
        JOIN django_content_type c ON c.id = p.content_type_id AND c.app_label = 'core' AND c.model = 'right'
        WHERE u.id = person AND u.is_active)
$$;

-- Roles: a membership follows from a grant; a grant is given once by somebody else who may, and only ever withdrawn.
CREATE FUNCTION core_role_grant_check() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'grants are withdrawn, never removed' USING ERRCODE = 'restrict_violation';
    ELSIF TG_OP = 'INSERT' THEN
        IF NEW.given_by_id IS NOT NULL AND NOT core_holds_right(NEW.given_by_id, 'core.person.edit') THEN
            RAISE EXCEPTION 'person % may not give roles', NEW.given_by_id USING ERRCODE = 'check_violation';
        END IF;
    ELSE
        IF OLD.withdrawn_at IS NOT NULL OR (to_jsonb(NEW) - '{withdrawn_at,withdrawn_by_id}'::text[])
            IS DISTINCT FROM (to_jsonb(OLD) - '{withdrawn_at,withdrawn_by_id}'::text[]) THEN
            RAISE EXCEPTION 'a grant can only be withdrawn, once' USING ERRCODE = 'restrict_violation';
        END IF;
        IF NOT core_holds_right(NEW.withdrawn_by_id, 'core.person.edit') THEN
            RAISE EXCEPTION 'person % may not withdraw roles', NEW.withdrawn_by_id USING ERRCODE = 'check_violation';
        END IF;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER core_role_grant_check BEFORE INSERT OR UPDATE OR DELETE ON core_rolegrant
    FOR EACH ROW EXECUTE FUNCTION core_role_grant_check();
CREATE TRIGGER core_role_grant_keep BEFORE TRUNCATE ON core_rolegrant
    FOR EACH STATEMENT EXECUTE FUNCTION core_refuse_change();

CREATE FUNCTION core_role_grant_apply() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.withdrawn_at IS NULL THEN
        INSERT INTO core_user_groups (user_id, group_id) VALUES (NEW.user_id, NEW.group_id) ON CONFLICT DO NOTHING;
    ELSE
        DELETE FROM core_user_groups WHERE user_id = NEW.user_id AND group_id = NEW.group_id;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER core_role_grant_apply AFTER INSERT OR UPDATE ON core_rolegrant
    FOR EACH ROW EXECUTE FUNCTION core_role_grant_apply();

CREATE FUNCTION core_membership_check() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM core_rolegrant
                   WHERE user_id = NEW.user_id AND group_id = NEW.group_id AND withdrawn_at IS NULL) THEN
        RAISE EXCEPTION 'a role is given by core.services.roles.give_role, never by hand'
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER core_membership_check BEFORE INSERT OR UPDATE ON core_user_groups
    FOR EACH ROW EXECUTE FUNCTION core_membership_check();
CREATE TRIGGER core_no_personal_rights BEFORE INSERT OR UPDATE ON core_user_user_permissions
    FOR EACH STATEMENT EXECUTE FUNCTION core_refuse_change();

-- Approvals: asked as waiting, decided once, by an active person who holds the right at that moment and did not ask.
CREATE FUNCTION core_approval_check() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'approvals are withdrawn, never removed' USING ERRCODE = 'restrict_violation';
    ELSIF TG_OP = 'INSERT' THEN
        IF NEW.state <> 'waiting' THEN
            RAISE EXCEPTION 'an approval begins as a question' USING ERRCODE = 'check_violation';
        END IF;
        RETURN NEW;
    END IF;
    IF OLD.state <> 'waiting' THEN
        RAISE EXCEPTION 'approval % is decided already', OLD.id USING ERRCODE = 'restrict_violation';
    END IF;
    IF (to_jsonb(NEW) - '{state,decided_by_id,decided_at,answer}'::text[])
        IS DISTINCT FROM (to_jsonb(OLD) - '{state,decided_by_id,decided_at,answer}'::text[]) THEN
        RAISE EXCEPTION 'the question of approval % cannot change', OLD.id USING ERRCODE = 'restrict_violation';
    END IF;
    IF NEW.state IN ('approved', 'rejected') AND NOT core_holds_right(NEW.decided_by_id, NEW.right) THEN
        RAISE EXCEPTION 'person % may not decide approval %', NEW.decided_by_id, OLD.id USING ERRCODE = 'check_violation';
    END IF;
    IF NEW.state = 'withdrawn' AND NEW.decided_by_id <> OLD.asked_by_id THEN
        RAISE EXCEPTION 'only who asked withdraws approval %', OLD.id USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER core_approval_check BEFORE INSERT OR UPDATE OR DELETE ON core_approval
    FOR EACH ROW EXECUTE FUNCTION core_approval_check();
CREATE TRIGGER core_approval_keep BEFORE TRUNCATE ON core_approval
    FOR EACH STATEMENT EXECUTE FUNCTION core_refuse_change();
"""

BACKWARD = """
DROP TRIGGER core_approval_keep ON core_approval;
DROP TRIGGER core_approval_check ON core_approval;
DROP FUNCTION core_approval_check();
DROP TRIGGER core_no_personal_rights ON core_user_user_permissions;
DROP TRIGGER core_membership_check ON core_user_groups;
DROP FUNCTION core_membership_check();
DROP TRIGGER core_role_grant_apply ON core_rolegrant;
DROP FUNCTION core_role_grant_apply();
DROP TRIGGER core_role_grant_keep ON core_rolegrant;
DROP TRIGGER core_role_grant_check ON core_rolegrant;
DROP FUNCTION core_role_grant_check();
DROP FUNCTION core_holds_right(bigint, text);
"""


class Migration(migrations.Migration):
    dependencies = [
        ("core", "0003_role_grants"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]

    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
