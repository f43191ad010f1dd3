-- One row per person and company that some record ties together; exactly one of a person's companies is primary.
-- A person whose records name no company belongs to the one company that owns the e-mail domain, if exactly one does.
with

records as (
    select * from {{ ref('int_identity__record') }}
),

contact_map as (
    select * from {{ ref('int_identity__contact_map') }}
),

account_map as (
    select * from {{ ref('int_identity__account_map') }}
),

systems as (
    select source_system, precedence from {{ ref('source_system') }}
),

stated as (
    select
        links.source_system,
        links.source_instance,
        links.contact_record_id,
        links.account_record_id,
        links.is_primary,
        links.relation_type,
        links.updated_at
    from {{ ref('int_identity__contact_account_link') }} as links
),

linked as (
    select
        contact_map.contact_key,
        account_map.account_key,
        min(case when stated.is_primary then 0 else 1 end) as primary_rank,
        min(systems.precedence) as precedence,
        max(stated.updated_at) as updated_at,
        min(stated.relation_type) as relation_type
    from stated
    inner join contact_map
        on
            stated.source_system = contact_map.source_system
            and stated.source_instance = contact_map.source_instance
            and stated.contact_record_id = contact_map.source_record_id
    inner join account_map
        on
            stated.source_system = account_map.source_system
            and stated.source_instance = account_map.source_instance
            and stated.account_record_id = account_map.source_record_id
    inner join systems
        on stated.source_system = systems.source_system
    group by contact_map.contact_key, account_map.account_key
),

domain_owners as (
    select
        records.domain,
        min(account_map.account_key) as account_key
    from records
    inner join account_map
        on
            records.source_system = account_map.source_system
            and records.source_instance = account_map.source_instance
            and records.source_record_id = account_map.source_record_id
    where records.entity_type = 'account' and records.domain is not null
    group by records.domain
    having count(distinct account_map.account_key) = 1
),

unlinked as (
    select
        contact_map.contact_key,
        min({{ email_domain('records.email') }}) as email_domain,
        max(records.updated_at) as updated_at
    from records
    inner join contact_map
        on
            records.source_system = contact_map.source_system
            and records.source_instance = contact_map.source_instance
            and records.source_record_id = contact_map.source_record_id
    where
        records.entity_type = 'contact'
        and contact_map.contact_key not in (select contact_key from linked)
    group by contact_map.contact_key
    having count(distinct {{ email_domain('records.email') }}) = 1
),

by_domain as (
    select
        unlinked.contact_key,
        domain_owners.account_key,
        0 as primary_rank,
        9 as precedence,
        unlinked.updated_at,
        'email_domain' as relation_type
    from unlinked
    inner join domain_owners
        on unlinked.email_domain = domain_owners.domain
    left join {{ ref('free_mail_domain') }} as free_mail
        on unlinked.email_domain = free_mail.domain
    where free_mail.domain is null
),

pairs as (
    select contact_key, account_key, primary_rank, precedence, updated_at, relation_type from linked
    union all
    select contact_key, account_key, primary_rank, precedence, updated_at, relation_type from by_domain
),

final as (
    select
        contact_key,
        account_key,
        relation_type,
        updated_at,
        case when relation_type = 'email_domain' then 'rule' else 'source' end as assigned_by,
        row_number() over (
            partition by contact_key
            order by primary_rank, precedence, updated_at desc nulls last, account_key
        ) = 1 as is_primary
    from pairs
)

select * from final
