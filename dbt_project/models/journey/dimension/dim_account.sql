-- The companies, and one unknown member for touchpoints whose company nobody knows.
with

golden as (
    select * from {{ ref('int_account__golden') }}
),

orders as (
    select
        account_key,
        min(ordered_on) as customer_since_on,
        max(ordered_on) as last_ordered_on
    from {{ ref('fct_order_line') }}
    where not is_return and not is_cancelled
    group by account_key
),

members as (
    select
        account_key,
        cast(count(distinct contact_key) as integer) as contact_count
    from {{ ref('int_identity__contact_account') }}
    group by account_key
),

accounts as (
    select
        golden.account_key,
        coalesce(golden.account_name, golden.domain, 'unnamed') as account_name,
        golden.parent_account_key,
        cast(case
            when golden.parent_account_key is null then 1
            when parent.parent_account_key is null then 2
            else 3
        end as integer) as account_hierarchy_level,
        golden.legal_form,
        golden.vat_id,
        golden.domain,
        golden.industry_code,
        golden.country_code,
        left(golden.postcode, 2) as postcode_region,
        golden.city,
        case
            when golden.employee_count is null then null
            when golden.employee_count < 10 then '1-9'
            when golden.employee_count < 50 then '10-49'
            when golden.employee_count < 250 then '50-249'
            when golden.employee_count < 1000 then '250-999'
            else '1000+'
        end as employee_band,
        case
            when golden.annual_revenue_amount is null then null
            when golden.annual_revenue_amount < 1000000 then 'under 1 M'
            when golden.annual_revenue_amount < 10000000 then '1-10 M'
            when golden.annual_revenue_amount < 50000000 then '10-50 M'
            when golden.annual_revenue_amount < 250000000 then '50-250 M'
            else '250 M and more'
        end as revenue_band,
        coalesce(golden.segment_code, case
            when golden.employee_count < 50 then 'small'
            when golden.employee_count < 250 then 'medium'
            when golden.employee_count >= 250 then 'large'
            else 'unknown'
        end) as segment_code,
        coalesce(golden.account_type_code, case when orders.customer_since_on is null then 'prospect' else 'customer' end) as account_type_code,
        coalesce(golden.account_class_code, 'normal') as account_class_code,
        golden.account_owner_key,
        golden.has_running_contract,
        golden.renewal_on,
        coalesce(golden.is_blocked, false) as is_blocked,
        golden.exit_reason_code,
        orders.customer_since_on,
        orders.last_ordered_on,
        coalesce(members.contact_count, 0) as contact_count,
        golden.source_record_count,
        golden.source_system_count,
        false as is_unknown,
        golden.created_at,
        golden.source_system,
        golden.source_instance,
        golden.source_record_id,
        golden.source_updated_at,
        golden.loaded_at
    from golden
    left join golden as parent
        on golden.parent_account_key = parent.account_key
    left join orders
        on golden.account_key = orders.account_key
    left join members
        on golden.account_key = members.account_key
),

unknown_member as (
    select
        {{ unknown_key() }} as account_key,
        'unknown' as account_name,
        'unknown' as segment_code,
        'unknown' as account_type_code,
        'normal' as account_class_code
),

final as (
    select * from accounts
    union all
    select
        account_key, account_name, null, 1, null, null, null, null, null, null, null, null, null, segment_code,
        account_type_code, account_class_code, null, null, null, false, null, null, null, 0, 0, 0, true, null, null, null, null, null, null
    from unknown_member
)

select
    account_key, account_name, parent_account_key, account_hierarchy_level, legal_form, vat_id, domain, industry_code, country_code,
    postcode_region, city, employee_band, revenue_band, segment_code, account_type_code, account_class_code, account_owner_key,
    has_running_contract, renewal_on, is_blocked, exit_reason_code, customer_since_on, last_ordered_on, contact_count, source_record_count,
    source_system_count, is_unknown, created_at, source_system, source_instance, source_record_id, source_updated_at, loaded_at
from final
