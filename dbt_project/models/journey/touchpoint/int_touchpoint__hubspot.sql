{{ config(materialized='view') }}

-- What the CRM tells: conversations, deals on their way through the pipeline, cases and surveys.
with

calls as (
    select * from {{ ref('stg_hubspot__calls') }}
),

emails as (
    select * from {{ ref('stg_hubspot__emails') }}
),

meetings as (
    select * from {{ ref('stg_hubspot__meetings') }}
),

tasks as (
    select * from {{ ref('stg_hubspot__tasks') }}
),

contacts as (
    select * from {{ ref('stg_hubspot__contacts') }}
),

deals as (
    select * from {{ ref('stg_hubspot__deals') }}
),

stage_entries as (
    select * from {{ ref('stg_hubspot__deal_stage_history') }}
),

-- A stage id is unique only together with its pipeline.
stages as (
    select * from {{ ref('stg_hubspot__pipelines') }}
    where {{ hubspot_object('object_type') }} = 'deal'
),

tickets as (
    select * from {{ ref('stg_hubspot__tickets') }}
),

feedback as (
    select
        *,
        {{ try_cast('hs_value', 'decimal(9, 2)') }} as score
    from {{ ref('stg_hubspot__feedback_submissions') }}
),

called as (
    select
        {{ touchpoint('calls', 'calls', 'call', {
            'touchpoint_type_code': "case lower(calls.hs_call_direction) when 'inbound' then 'call_inbound' else 'call_outbound' end",
            'occurred_at': 'coalesce(calls.hs_timestamp, calls.created_at)',
            'account_record_id': 'participants.company_id',
            'contact_record_id': 'participants.contact_id',
            'opportunity_record_id': 'participants.deal_id',
            'employee_record_id': 'calls.hubspot_owner_id',
            'duration_seconds': 'cast(round(calls.hs_call_duration / 1000.0) as bigint)'
        }) }}
    from calls
    {{ join_participants('calls', 'call') }}
),

emailed as (
    select
        {{ touchpoint('emails', 'emails', 'email', {
            'touchpoint_type_code': "case when lower(emails.hs_email_direction) like 'incoming%' then 'email_inbound' else 'email_outbound' end",
            'occurred_at': 'coalesce(emails.hs_timestamp, emails.created_at)',
            'account_record_id': 'participants.company_id',
            'contact_record_id': 'participants.contact_id',
            'opportunity_record_id': 'participants.deal_id',
            'employee_record_id': 'emails.hubspot_owner_id'
        }) }}
    from emails
    {{ join_participants('emails', 'email') }}
),

met as (
    select
        {{ touchpoint('meetings', 'meetings', 'meeting', {
            'touchpoint_type_code': "case when lower(meetings.hs_activity_type) like '%demo%' then 'demo_held' else 'meeting_held' end",
            'occurred_at': 'coalesce(meetings.hs_meeting_start_time, meetings.hs_timestamp, meetings.created_at)',
            'account_record_id': 'participants.company_id',
            'contact_record_id': 'participants.contact_id',
            'opportunity_record_id': 'participants.deal_id',
            'employee_record_id': 'meetings.hubspot_owner_id',
            'duration_seconds': seconds_between('meetings.hs_meeting_start_time', 'meetings.hs_meeting_end_time')
        }) }}
    from meetings
    {{ join_participants('meetings', 'meeting') }}
    -- A meeting that is planned, called off or missed did not take place.
    where coalesce(upper(meetings.hs_meeting_outcome), 'COMPLETED') not in ('SCHEDULED', 'CANCELED', 'NO_SHOW', 'RESCHEDULED')
),

task_done as (
    select
        {{ touchpoint('tasks', 'tasks', 'done', {
            'touchpoint_type_code': "'task_done'",
            'occurred_at': 'coalesce(tasks.hs_task_completion_date, tasks.hs_timestamp, tasks.created_at)',
            'account_record_id': 'participants.company_id',
            'contact_record_id': 'participants.contact_id',
            'opportunity_record_id': 'participants.deal_id',
            'employee_record_id': 'tasks.hubspot_owner_id'
        }) }}
    from tasks
    {{ join_participants('tasks', 'task') }}
    where upper(tasks.hs_task_status) = 'COMPLETED'
),

contact_created as (
    select
        {{ touchpoint('contacts', 'contacts', 'created', {
            'touchpoint_type_code': "'lead_created'",
            'occurred_at': 'contacts.created_at',
            'account_record_id': 'coalesce(contacts.associatedcompanyid, participants.company_id)',
            'contact_record_id': 'contacts.source_record_id',
            'employee_record_id': 'contacts.hubspot_owner_id',
            'source_metadata': json_object_text({'original_source': 'contacts.hs_analytics_source'})
        }) }}
    from contacts
    {{ join_participants('contacts', 'contact') }}
),

deal_created as (
    select
        {{ touchpoint('deals', 'deals', 'created', {
            'touchpoint_type_code': "'deal_created'",
            'occurred_at': 'deals.created_at',
            'account_record_id': 'participants.company_id',
            'contact_record_id': 'participants.contact_id',
            'opportunity_record_id': 'deals.source_record_id',
            'employee_record_id': 'deals.hubspot_owner_id',
            'opportunity_stage_category': "'open'"
        }) }}
    from deals
    {{ join_participants('deals', 'deal') }}
),

deal_moved as (
    select
        {{ touchpoint('stage_entries', 'deal_stage_history', 'stage', {
            'touchpoint_type_code': "case when stages.is_won then 'deal_won' when stages.is_closed then 'deal_lost' else 'deal_stage_entered' end",
            'occurred_at': 'stage_entries.entered_at',
            'account_record_id': 'participants.company_id',
            'contact_record_id': 'participants.contact_id',
            'opportunity_record_id': 'stage_entries.deal_id',
            'employee_record_id': 'deals.hubspot_owner_id',
            'opportunity_stage_category': "case when stages.is_won then 'won' when stages.is_closed then 'lost' else 'open' end",
            'source_metadata': json_object_text({
                'stage': 'stages.stage_label', 'pipeline': 'stages.pipeline_label', 'deal_amount': 'cast(deals.amount as ' ~ text_type() ~ ')',
                'currency': 'deals.deal_currency_code', 'lost_reason': 'deals.closed_lost_reason'
            })
        }) }}
    from stage_entries
    inner join deals
        on stage_entries.source_instance = deals.source_instance and stage_entries.deal_id = deals.source_record_id
    left join stages
        on
            stage_entries.source_instance = stages.source_instance
            and deals.pipeline = stages.pipeline_id
            and stage_entries.stage_id = stages.stage_id
    {{ join_participants('stage_entries', 'deal', 'stage_entries.deal_id') }}
),

case_opened as (
    select
        {{ touchpoint('tickets', 'tickets', 'opened', {
            'touchpoint_type_code': "'case_opened'",
            'occurred_at': 'tickets.created_at',
            'account_record_id': 'participants.company_id',
            'contact_record_id': 'participants.contact_id',
            'case_record_id': 'tickets.source_record_id',
            'employee_record_id': 'tickets.hubspot_owner_id'
        }) }}
    from tickets
    {{ join_participants('tickets', 'ticket') }}
),

case_closed as (
    select
        {{ touchpoint('tickets', 'tickets', 'closed', {
            'touchpoint_type_code': "'case_solved'",
            'occurred_at': 'tickets.closed_date',
            'account_record_id': 'participants.company_id',
            'contact_record_id': 'participants.contact_id',
            'case_record_id': 'tickets.source_record_id',
            'employee_record_id': 'tickets.hubspot_owner_id'
        }) }}
    from tickets
    {{ join_participants('tickets', 'ticket') }}
    where tickets.closed_date is not null
),

answered as (
    select
        {{ touchpoint('feedback', 'feedback_submissions', 'answered', {
            'touchpoint_type_code': "case upper(feedback.hs_survey_type) when 'NPS' then 'nps_response' when 'CES' then 'ces_response' else 'csat_response' end",
            'occurred_at': 'coalesce(feedback.hs_submission_timestamp, feedback.created_at)',
            'account_record_id': 'participants.company_id',
            'contact_record_id': 'coalesce(feedback.hs_contact_id, participants.contact_id)',
            'rating_value': 'feedback.score',
            'rating_scale': "case upper(feedback.hs_survey_type) when 'NPS' then '0-10' when 'CES' then '1-7' else '1-5' end",
            'sentiment_code': hubspot_sentiment('feedback.hs_survey_type', 'feedback.score')
        }) }}
    from feedback
    {{ join_participants('feedback', 'feedback_submission') }}
)

select * from called
union all
select * from emailed
union all
select * from met
union all
select * from task_done
union all
select * from contact_created
union all
select * from deal_created
union all
select * from deal_moved
union all
select * from case_opened
union all
select * from case_closed
union all
select * from answered
