{{ config(materialized='view') }}

-- What the support desk tells: tickets opened, solved and reopened, and how content people were.
with

tickets as (
    select * from {{ ref('stg_zendesk__tickets') }}
),

status_changes as (
    select * from {{ ref('stg_zendesk__status_changes') }}
),

ratings as (
    select * from {{ ref('stg_zendesk__satisfaction_ratings') }}
),

opened as (
    select
        {{ touchpoint('tickets', 'tickets', 'opened', {
            'touchpoint_type_code': "case when " ~ is_complaint('tickets.tags') ~ " then 'complaint_raised' else 'case_opened' end",
            'occurred_at': 'tickets.created_at',
            'account_record_id': 'tickets.organization_id',
            'contact_record_id': 'tickets.requester_id',
            'case_record_id': 'tickets.source_record_id',
            'employee_record_id': 'tickets.assignee_id',
            'source_metadata': json_object_text({'priority': 'tickets.priority', 'channel': 'tickets.via_channel'})
        }) }}
    from tickets
),

changed as (
    select
        {{ touchpoint('status_changes', 'ticket_events', 'status', {
            'touchpoint_type_code': "case when status_changes.to_status = 'solved' then 'case_solved' else 'case_reopened' end",
            'occurred_at': 'status_changes.created_at',
            'account_record_id': 'tickets.organization_id',
            'contact_record_id': 'tickets.requester_id',
            'case_record_id': 'tickets.source_record_id',
            'employee_record_id': 'tickets.assignee_id'
        }) }}
    from status_changes
    inner join tickets
        on status_changes.source_instance = tickets.source_instance and status_changes.ticket_id = tickets.source_record_id
    where
        status_changes.to_status = 'solved'
        or (status_changes.from_status in ('solved', 'closed') and status_changes.to_status in ('new', 'open', 'pending'))
),

rated as (
    select
        {{ touchpoint('ratings', 'satisfaction_ratings', 'rated', {
            'touchpoint_type_code': "'csat_response'",
            'occurred_at': 'coalesce(ratings.source_updated_at, ratings.created_at)',
            'account_record_id': 'tickets.organization_id',
            'contact_record_id': 'ratings.requester_id',
            'case_record_id': 'ratings.ticket_id',
            'employee_record_id': 'ratings.assignee_id',
            'rating_value': zendesk_score('ratings.score'),
            'rating_scale': "'0-1'",
            'sentiment_code': "case when ratings.score like 'good%' then 'positive' else 'negative' end"
        }) }}
    from ratings
    left join tickets
        on ratings.source_instance = tickets.source_instance and ratings.ticket_id = tickets.source_record_id
    where ratings.score like 'good%' or ratings.score like 'bad%'
)

select * from opened
union all
select * from changed
union all
select * from rated
