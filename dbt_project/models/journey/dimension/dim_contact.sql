-- The people, without anything that names or reaches them: names and addresses stay in the build, for activation alone.
with

people as (
    select * from {{ ref('int_contact__golden') }}
),

primary_accounts as (
    select contact_key, account_key
    from {{ ref('int_identity__contact_account') }}
    where is_primary
),

free_mail as (
    select domain from {{ ref('free_mail_domain') }}
),

consents as (
    select
        contact_key,
        min(case when is_granted then 1 else 0 end) = 1 as is_email_permitted
    from {{ ref('fct_consent') }}
    where is_current and channel_code = 'email' and purpose_code = 'marketing'
    group by contact_key
),

final as (
    select
        people.contact_key,
        coalesce(primary_accounts.account_key, {{ unknown_key() }}) as primary_account_key,
        people.email_domain,
        free_mail.domain is not null as is_personal_domain,
        people.job_title,
        people.department,
        people.seniority_code,
        people.persona_code,
        people.buying_centre_role_code,
        people.language_code,
        people.country_code,
        people.contact_owner_key,
        people.is_active,
        people.has_email,
        people.has_phone,
        -- Nobody is written to without a permission that no system contradicts.
        people.is_active and people.has_email and coalesce(consents.is_email_permitted, false) as is_contactable,
        people.source_record_count,
        people.source_system_count,
        people.created_at,
        people.source_system,
        people.source_instance,
        people.source_record_id,
        people.source_updated_at,
        people.loaded_at
    from people
    left join primary_accounts
        on people.contact_key = primary_accounts.contact_key
    left join free_mail
        on people.email_domain = free_mail.domain
    left join consents
        on people.contact_key = consents.contact_key
)

select * from final
