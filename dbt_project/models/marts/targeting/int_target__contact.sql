{{ config(materialized='table') }}

-- What each person allows now, the strictest statement of any system: withdrawn beats given, and silence is no permission.
with

people as (
    select * from {{ ref('dim_contact') }}
),

statements as (
    select * from {{ ref('fct_consent') }}
    where is_current and purpose_code = 'marketing'
),

permissions as (
    select
        contact_key,
        max(case when is_granted then 0 else 1 end) = 1 as is_withdrawn,
        min(case when channel_code = 'email' then case when is_granted then 1 else 0 end end) = 1 as is_email_granted,
        min(case when channel_code = 'phone' then case when is_granted then 1 else 0 end end) = 1 as is_phone_granted,
        min(case when is_granted then case legal_basis_code
            when 'consent' then 1 when 'contract' then 2 when 'existing_customer_exemption' then 3 when 'legitimate_interest' then 4 else 5
        end end) as basis_rank
    from statements
    group by contact_key
),

-- Undeliverable: the latest answer of the address is a bounce.
mails as (
    select
        contact_key,
        touchpoint_type_code,
        row_number() over (partition by contact_key order by occurred_at desc, touchpoint_key desc) as recency
    from {{ ref('fct_customer_journey') }}
    where
        contact_key is not null
        and touchpoint_type_code in ('newsletter_delivered', 'newsletter_opened', 'newsletter_clicked', 'newsletter_bounced')
),

judged as (
    select
        people.contact_key,
        people.buying_centre_role_code,
        coalesce(permissions.is_withdrawn, false) as is_withdrawn,
        coalesce(mails.touchpoint_type_code = 'newsletter_bounced', false) as is_bounced,
        case permissions.basis_rank
            when 1 then 'consent' when 2 then 'contract' when 3 then 'existing_customer_exemption' when 4 then 'legitimate_interest' else 'none'
        end as legal_basis_code,
        people.is_active and people.has_email and coalesce(permissions.is_email_granted, false)
        and not coalesce(permissions.is_withdrawn, false) as is_email_permitted,
        -- A statement about e-mail says nothing of the phone.
        people.is_active and people.has_phone and not coalesce(permissions.is_withdrawn, false)
        and coalesce(permissions.is_phone_granted, false) as can_contact_phone
    from people
    left join permissions
        on people.contact_key = permissions.contact_key
    left join mails
        on people.contact_key = mails.contact_key and mails.recency = 1
),

final as (
    select
        contact_key,
        buying_centre_role_code,
        is_withdrawn,
        is_bounced,
        is_email_permitted,
        legal_basis_code,
        is_email_permitted and not is_bounced as can_contact_email,
        can_contact_phone
    from judged
)

select * from final
