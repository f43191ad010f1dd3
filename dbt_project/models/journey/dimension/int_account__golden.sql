-- One row per account: of each attribute the first known value, by the precedence of the systems and then by the latest change.
with

records as (
    select * from {{ ref('int_account__record') }}
),

account_map as (
    select * from {{ ref('int_identity__account_map') }}
),

systems as (
    select source_system, precedence from {{ ref('source_system') }}
),

ranked as (
    select
        account_map.account_key,
        records.*,
        {{ country_code('records.country') }} as country_code,
        row_number() over (
            partition by account_map.account_key
            order by
                systems.precedence, records.updated_at desc nulls last, records.source_instance, records.source_record_id
        ) as precedence_rank
    from records
    inner join account_map
        on
            records.source_system = account_map.source_system
            and records.source_instance = account_map.source_instance
            and records.source_record_id = account_map.source_record_id
    inner join systems
        on records.source_system = systems.source_system
    {{ country_join('records.country') }}
),

parents as (
    select
        ranked.account_key,
        {{ first_known('parent_map.account_key', 'ranked.precedence_rank') }} as parent_account_key
    from ranked
    inner join account_map as parent_map
        on
            ranked.source_system = parent_map.source_system
            and ranked.source_instance = parent_map.source_instance
            and ranked.parent_record_id = parent_map.source_record_id
    -- Two records of one account may name each other as parent: the account is not its own parent.
    where parent_map.account_key <> ranked.account_key
    group by ranked.account_key
),

golden as (
    select
        account_key,
        {{ first_known('name', 'precedence_rank') }} as account_name,
        {{ first_known('legal_form', 'precedence_rank') }} as legal_form,
        {{ first_known('vat_id', 'precedence_rank') }} as vat_id,
        {{ first_known('domain', 'precedence_rank') }} as domain,
        {{ first_known('industry_code', 'precedence_rank') }} as industry_code,
        {{ first_known('country_code', 'precedence_rank') }} as country_code,
        {{ first_known('postcode', 'precedence_rank') }} as postcode,
        {{ first_known('city', 'precedence_rank') }} as city,
        {{ first_known('employee_count', 'precedence_rank') }} as employee_count,
        {{ first_known('annual_revenue_amount', 'precedence_rank') }} as annual_revenue_amount,
        {{ first_known('segment_code', 'precedence_rank') }} as segment_code,
        {{ first_known('account_type_code', 'precedence_rank') }} as account_type_code,
        {{ first_known('account_class_code', 'precedence_rank') }} as account_class_code,
        {{ first_known('has_running_contract', 'precedence_rank') }} as has_running_contract,
        {{ first_known('renewal_on', 'precedence_rank') }} as renewal_on,
        {{ first_known('is_blocked', 'precedence_rank') }} as is_blocked,
        {{ first_known('exit_reason_code', 'precedence_rank') }} as exit_reason_code,
        {{ first_known(object_key('employee', 'source_system', 'source_instance', 'owner_record_id'), 'precedence_rank') }}
            as account_owner_key,
        min(created_at) as created_at,
        max(updated_at) as source_updated_at,
        max(loaded_at) as loaded_at,
        {{ first_known('source_system', 'precedence_rank') }} as source_system,
        {{ first_known('source_instance', 'precedence_rank') }} as source_instance,
        {{ first_known('source_record_id', 'precedence_rank') }} as source_record_id,
        cast(count(*) as integer) as source_record_count,
        cast(count(distinct source_system) as integer) as source_system_count
    from ranked
    group by account_key
),

final as (
    select
        golden.*,
        parents.parent_account_key
    from golden
    left join parents
        on golden.account_key = parents.account_key
)

select * from final
