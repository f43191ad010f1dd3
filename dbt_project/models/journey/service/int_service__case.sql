{{ config(materialized='view') }}

-- Cases of every system that has some, still under the vendors' own ids.
with

tickets as (
    select * from {{ ref('stg_zendesk__tickets') }}
),

metrics as (
    select
        source_instance,
        ticket_id,
        min(case when metric = 'reply_time' and type = 'fulfill' then occurred_at end) as first_replied_at,
        count(case when metric = 'reply_time' and type = 'fulfill' then 1 end) as reply_count
    from {{ ref('stg_zendesk__ticket_metric_events') }}
    group by source_instance, ticket_id
),

changes as (
    select
        source_instance,
        ticket_id,
        max(case when to_status = 'solved' then created_at end) as solved_at,
        count(case when from_status in ('solved', 'closed') and to_status in ('new', 'open', 'pending') then 1 end) as reopened_count
    from {{ ref('stg_zendesk__status_changes') }}
    group by source_instance, ticket_id
),

crm_tickets as (
    select * from {{ ref('stg_hubspot__tickets') }}
),

zendesk as (
    select
        {{ conform('service_case', from_record('tickets', 'tickets', {
            'account_record_id': 'tickets.organization_id',
            'contact_record_id': 'tickets.requester_id',
            'employee_record_id': 'tickets.assignee_id',
            'case_type_code': "case when " ~ is_complaint('tickets.tags') ~ " then 'complaint' else coalesce(tickets.type, 'question') end",
            'priority_code': "coalesce(tickets.priority, 'normal')",
            'status_code': 'tickets.status',
            'channel_code': 'tickets.via_channel',
            'is_complaint': is_complaint('tickets.tags'),
            'opened_at': 'tickets.created_at',
            'first_replied_at': 'metrics.first_replied_at',
            'solved_at': "case when tickets.status in ('solved', 'closed') then coalesce(changes.solved_at, tickets.ticket_updated_at) end",
            'reopened_count': 'changes.reopened_count',
            'reply_count': 'metrics.reply_count',
            'satisfaction_code':
                "case when tickets.satisfaction_score like 'good%' then 'good' when tickets.satisfaction_score like 'bad%' then 'bad' end"
        })) }}
    from tickets
    left join metrics
        on tickets.source_instance = metrics.source_instance and tickets.source_record_id = metrics.ticket_id
    left join changes
        on tickets.source_instance = changes.source_instance and tickets.source_record_id = changes.ticket_id
),

hubspot as (
    select
        {{ conform('service_case', from_record('crm_tickets', 'tickets', {
            'account_record_id': 'participants.company_id',
            'contact_record_id': 'participants.contact_id',
            'employee_record_id': 'crm_tickets.hubspot_owner_id',
            'case_type_code': "coalesce(lower(crm_tickets.hs_ticket_category), 'question')",
            'priority_code': "coalesce(lower(crm_tickets.hs_ticket_priority), 'normal')",
            'status_code': "case when crm_tickets.closed_date is null then 'open' else 'closed' end",
            'is_complaint': "coalesce(lower(crm_tickets.hs_ticket_category) like '%complaint%', false)",
            'opened_at': 'crm_tickets.created_at',
            'first_replied_at': 'crm_tickets.first_agent_reply_date',
            'solved_at': 'crm_tickets.closed_date'
        })) }}
    from crm_tickets
    {{ join_participants('crm_tickets', 'ticket') }}
)

select * from zendesk
union all
select * from hubspot
