-- Cases of the support desk and of the CRM's own service tool.
with

cases as (
    select * from {{ ref('int_service__case') }}
),

final as (
    select
        {{ object_key('case', 'cases.source_system', 'cases.source_instance', 'cases.source_record_id') }} as case_key,
        {{ mapped_account_key() }} as account_key,
        {{ mapped_contact_key() }} as contact_key,
        {{ object_key('employee', 'cases.source_system', 'cases.source_instance', 'cases.employee_record_id') }} as employee_key,
        cases.case_type_code,
        cases.priority_code,
        cases.status_code,
        cases.channel_code,
        cases.is_complaint,
        cases.status_code not in ('solved', 'closed') as is_open,
        cases.opened_at,
        cases.first_replied_at,
        cases.solved_at,
        {{ seconds_between('cases.opened_at', 'cases.first_replied_at') }} as first_reply_seconds,
        {{ seconds_between('cases.opened_at', 'cases.solved_at') }} as resolution_seconds,
        cast(coalesce(cases.reopened_count, 0) as integer) as reopened_count,
        cast(cases.reply_count as integer) as reply_count,
        cases.satisfaction_code,
        cases.source_system,
        cases.source_instance,
        cases.source_object,
        cases.source_record_id,
        cases.source_updated_at,
        cases.loaded_at,
        cases.load_id
    from cases
    {{ map_joins('cases') }}
)

select * from final
