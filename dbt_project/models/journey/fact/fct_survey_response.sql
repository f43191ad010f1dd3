-- Answers to questions about satisfaction, with the answer as given and on one scale from 0 to 100.
with

responses as (
    select * from {{ ref('int_survey__response') }}
),

final as (
    select
        {{ surrogate_key(['responses.source_system', 'responses.source_instance', 'responses.source_object', 'responses.source_record_id']) }}
            as survey_response_key,
        {{ mapped_account_key() }} as account_key,
        {{ mapped_contact_key() }} as contact_key,
        {{ object_key('case', 'responses.source_system', 'responses.source_instance', 'responses.case_record_id') }} as case_key,
        responses.survey_type_code,
        responses.responded_at,
        cast(responses.score as decimal(9, 2)) as score,
        cast(responses.score_min as decimal(9, 2)) as score_min,
        cast(responses.score_max as decimal(9, 2)) as score_max,
        cast(
            round(
                100 * cast(responses.score - responses.score_min as decimal(18, 6)) / nullif(responses.score_max - responses.score_min, 0), 2
            ) as decimal(5, 2)
        ) as score_normalized,
        case
            when responses.survey_type_code <> 'nps' or responses.score is null then null
            when responses.score >= 9 then 'promoter'
            when responses.score >= 7 then 'passive'
            else 'detractor'
        end as nps_category_code,
        responses.sentiment_code,
        responses.has_comment,
        responses.source_system,
        responses.source_instance,
        responses.source_object,
        responses.source_record_id,
        responses.source_updated_at,
        responses.loaded_at,
        responses.load_id
    from responses
    {{ map_joins('responses') }}
)

select * from final
