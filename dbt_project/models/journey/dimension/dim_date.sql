{{ config(contract={'enforced': true}) }}

-- Covers every date a touchpoint, contract or forecast may carry: ten years back and three ahead of the run's own date.
with

bounds as (
    select cast(as_of_at as date) as as_of_on
    from {{ source('ops', 'run') }}
),

-- The macro below reads this, which the linter cannot see.
ends as (  -- noqa: ST03
    select
        {{ add_months(month_start('as_of_on'), -240) }} as first_on,
        {{ add_months(month_start('as_of_on'), 48) }} as last_on
    from bounds
),

days as (
    {{ date_spine('(select min(first_on) from ends)', '(select max(last_on) from ends)') }}
),

final as (
    select
        {{ date_key('days.date_on') }} as date_key,
        days.date_on,
        cast(extract(year from days.date_on) as integer) as year_number,
        cast(extract(quarter from days.date_on) as integer) as quarter_number,
        cast(extract(month from days.date_on) as integer) as month_number,
        {{ month_start('days.date_on') }} as month_start_on,
        cast(extract(week from days.date_on) as integer) as iso_week_number,
        {{ day_of_week('days.date_on') }} as day_of_week_number,
        {{ day_of_week('days.date_on') }} >= 6 as is_weekend
    from days
)

select * from final
