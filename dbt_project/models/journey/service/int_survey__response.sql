{{ config(materialized='view') }}

-- Answers to questions about satisfaction from every system that asks, still under the vendors' own ids.
with

ratings as (
    select * from {{ ref('stg_zendesk__satisfaction_ratings') }}
),

tickets as (
    select * from {{ ref('stg_zendesk__tickets') }}
),

erp_ratings as (
    select * from {{ ref('stg_odoo__ratings') }}
    where consumed and rating > 0
),

erp_responses as (
    select * from {{ ref('stg_odoo__survey_responses') }}
    where state = 'done' and not coalesce(test_entry, false) and scoring_percentage is not null
),

crm_feedback as (
    select
        *,
        {{ try_cast('hs_value', 'decimal(9, 2)') }} as score_given
    from {{ ref('stg_hubspot__feedback_submissions') }}
),

zendesk as (
    select
        {{ conform('survey_response', from_record('ratings', 'satisfaction_ratings', {
            'account_record_id': 'tickets.organization_id',
            'contact_record_id': 'ratings.requester_id',
            'case_record_id': 'ratings.ticket_id',
            'survey_type_code': "'csat'",
            'responded_at': 'coalesce(ratings.source_updated_at, ratings.created_at)',
            'score': zendesk_score('ratings.score'),
            'score_min': '0',
            'score_max': '1',
            'sentiment_code': "case when ratings.score like 'good%' then 'positive' else 'negative' end",
            'has_comment': 'ratings.comment is not null'
        })) }}
    from ratings
    left join tickets
        on ratings.source_instance = tickets.source_instance and ratings.ticket_id = tickets.source_record_id
    where ratings.score like 'good%' or ratings.score like 'bad%'
),

odoo_ratings as (
    select
        {{ conform('survey_response', from_record('erp_ratings', 'ratings', {
            'account_record_id': 'erp_ratings.partner_id',
            'contact_record_id': 'erp_ratings.partner_id',
            'survey_type_code': "'csat'",
            'responded_at': 'coalesce(erp_ratings.source_updated_at, erp_ratings.created_at)',
            'score': 'erp_ratings.rating',
            'score_min': '1',
            'score_max': '5',
            'sentiment_code':
                "case when erp_ratings.rating >= 4 then 'positive' when erp_ratings.rating >= 3 then 'neutral' else 'negative' end",
            'has_comment': 'erp_ratings.feedback is not null'
        })) }}
    from erp_ratings
),

odoo_responses as (
    select
        {{ conform('survey_response', from_record('erp_responses', 'survey_responses', {
            'account_record_id': 'erp_responses.partner_id',
            'contact_record_id': 'erp_responses.partner_id',
            'survey_type_code': "'csat'",
            'responded_at': 'coalesce(erp_responses.source_updated_at, erp_responses.created_at)',
            'score': 'erp_responses.scoring_percentage',
            'score_min': '0',
            'score_max': '100',
            'has_comment': 'false'
        })) }}
    from erp_responses
),

hubspot as (
    select
        {{ conform('survey_response', from_record('crm_feedback', 'feedback_submissions', {
            'account_record_id': 'participants.company_id',
            'contact_record_id': 'coalesce(crm_feedback.hs_contact_id, participants.contact_id)',
            'survey_type_code': "case upper(crm_feedback.hs_survey_type) when 'NPS' then 'nps' when 'CES' then 'ces' else 'csat' end",
            'responded_at': 'coalesce(crm_feedback.hs_submission_timestamp, crm_feedback.created_at)',
            'score': 'crm_feedback.score_given',
            'score_min': "case upper(crm_feedback.hs_survey_type) when 'NPS' then 0 else 1 end",
            'score_max': "case upper(crm_feedback.hs_survey_type) when 'NPS' then 10 when 'CES' then 7 else 5 end",
            'sentiment_code': hubspot_sentiment('crm_feedback.hs_survey_type', 'crm_feedback.score_given'),
            'has_comment': 'crm_feedback.hs_content is not null'
        })) }}
    from crm_feedback
    {{ join_participants('crm_feedback', 'feedback_submission') }}
    where crm_feedback.score_given is not null
)

select * from zendesk
union all
select * from odoo_ratings
union all
select * from odoo_responses
union all
select * from hubspot
