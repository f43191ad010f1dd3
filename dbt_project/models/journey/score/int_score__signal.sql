-- What support, surveys and the newsletter say of an account now; one row per account and metric.
with

run as (
    select as_of_at from {{ source('ops', 'run') }}
),

cases as (
    select * from {{ ref('fct_service_case') }}
),

journey as (
    select * from {{ ref('fct_customer_journey') }}
),

open_complaints as (
    select account_key, 'open_complaints' as signal_code, count(*) as metric_value
    from cases
    where is_complaint and solved_at is null
    group by account_key
),

recent_complaints as (
    select cases.account_key, 'complaints_180d' as signal_code, count(*) as metric_value
    from cases
    cross join run
    where cases.is_complaint and cases.opened_at >= {{ add_days('run.as_of_at', -180) }}
    group by cases.account_key
),

bad_ratings as (
    select journey.account_key, 'csat_low_180d' as signal_code, count(*) as metric_value
    from journey
    cross join run
    where
        journey.touchpoint_type_code = 'csat_response'
        and journey.sentiment_code = 'negative'
        and journey.occurred_at >= {{ add_days('run.as_of_at', -180) }}
    group by journey.account_key
),

ranked_nps as (
    select
        journey.account_key,
        journey.rating_value,
        row_number() over (partition by journey.account_key order by journey.occurred_at desc, journey.touchpoint_key) as recency
    from journey
    cross join run
    where
        journey.touchpoint_type_code = 'nps_response'
        and journey.occurred_at >= {{ add_days('run.as_of_at', -365) }}
),

newsletter as (
    select
        journey.account_key,
        'newsletter_silent_days' as signal_code,
        {{ days_between('max(journey.occurred_at)', 'max(run.as_of_at)') }} as metric_value
    from journey
    cross join run
    where journey.touchpoint_type_code in ('newsletter_opened', 'newsletter_clicked')
    group by journey.account_key
),

final as (
    select account_key, signal_code, cast(metric_value as decimal(18, 2)) as metric_value from open_complaints
    union all
    select account_key, signal_code, cast(metric_value as decimal(18, 2)) from recent_complaints
    union all
    select account_key, signal_code, cast(metric_value as decimal(18, 2)) from bad_ratings
    union all
    select account_key, 'nps_last', cast(rating_value as decimal(18, 2)) from ranked_nps
    where recency = 1
    union all
    select account_key, signal_code, cast(metric_value as decimal(18, 2)) from newsletter
)

select * from final
where account_key <> {{ unknown_key() }}
