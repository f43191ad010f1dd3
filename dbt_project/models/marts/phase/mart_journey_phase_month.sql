-- Flow and stock of every phase: month by month and segment by segment, months without a move included, so that stock can be drawn.
with

run as (
    select as_of_at from {{ source('ops', 'run') }}
),

accounts as (
    select account_key, segment_code from {{ ref('dim_account') }}
),

-- What a source dates after the run is a plan, not a move.
visits as (
    select
        visits.*,
        accounts.segment_code,
        {{ month_start('visits.entered_at') }} as entered_month_on,
        {{ month_start('visits.exited_at') }} as exited_month_on
    from {{ ref('fct_journey_phase') }} as visits
    cross join run
    inner join accounts
        on visits.account_key = accounts.account_key
    where visits.entered_at <= run.as_of_at
),

journey as (
    select
        {{ month_start('journey.occurred_at') }} as month_start_on,
        journey.account_phase_code as journey_phase_code,
        accounts.segment_code,
        count(*) as touchpoint_count,
        sum(case when journey.is_conversion then 1 else 0 end) as order_count,
        sum(case when journey.is_conversion then journey.net_amount end) as revenue_amount,
        sum(case when journey.is_conversion then journey.margin_amount end) as margin_amount
    from {{ ref('fct_customer_journey') }} as journey
    cross join run
    inner join accounts
        on journey.account_key = accounts.account_key
    where journey.account_phase_code is not null and journey.occurred_at <= run.as_of_at
    group by {{ month_start('journey.occurred_at') }}, journey.account_phase_code, accounts.segment_code
),

months as (
    select distinct days.month_start_on
    from {{ ref('dim_date') }} as days
    cross join run
    where
        days.month_start_on >= (select min(entered_month_on) from visits)
        and days.month_start_on <= cast(run.as_of_at as date)
),

segments as (
    select distinct segment_code from visits
),

grid as (
    select
        months.month_start_on,
        phases.journey_phase_code,
        phases.phase_order,
        segments.segment_code
    from months
    cross join {{ ref('journey_phase') }} as phases
    cross join segments
),

entries as (
    select
        entered_month_on as month_start_on,
        journey_phase_code,
        segment_code,
        count(*) as entered_count,
        sum(case when is_resumption then 1 else 0 end) as resumed_count
    from visits
    group by entered_month_on, journey_phase_code, segment_code
),

exits as (
    select
        visits.exited_month_on as month_start_on,
        visits.journey_phase_code,
        visits.segment_code,
        count(*) as exited_count,
        sum(case when visits.outcome_code = 'advanced' then 1 else 0 end) as advanced_count,
        sum(case when visits.outcome_code = 'regressed' then 1 else 0 end) as regressed_count,
        sum(case when visits.outcome_code = 'abandoned' then 1 else 0 end) as abandoned_count,
        sum(case when visits.outcome_code = 'exited' then 1 else 0 end) as lost_count,
        sum(visits.days_in_phase) as days_sum,
        {{ median('visits.days_in_phase') }} as days_median,
        {{ quantile('visits.days_in_phase', 0.9) }} as days_p90
    from visits
    cross join run
    where visits.exited_at <= run.as_of_at
    group by visits.exited_month_on, visits.journey_phase_code, visits.segment_code
),

joined as (
    select
        grid.*,
        coalesce(entries.entered_count, 0) as entered_count,
        coalesce(exits.exited_count, 0) as exited_count,
        coalesce(exits.advanced_count, 0) as advanced_count,
        coalesce(exits.regressed_count, 0) as regressed_count,
        coalesce(exits.abandoned_count, 0) as abandoned_count,
        coalesce(exits.lost_count, 0) as lost_count,
        coalesce(entries.resumed_count, 0) as resumed_count,
        coalesce(exits.days_sum, 0) as days_sum,
        exits.days_median,
        exits.days_p90,
        journey.touchpoint_count,
        journey.order_count,
        journey.revenue_amount,
        journey.margin_amount
    from grid
    left join entries
        on
            grid.month_start_on = entries.month_start_on
            and grid.journey_phase_code = entries.journey_phase_code
            and grid.segment_code = entries.segment_code
    left join exits
        on
            grid.month_start_on = exits.month_start_on
            and grid.journey_phase_code = exits.journey_phase_code
            and grid.segment_code = exits.segment_code
    left join journey
        on
            grid.month_start_on = journey.month_start_on
            and grid.journey_phase_code = journey.journey_phase_code
            and grid.segment_code = journey.segment_code
),

final as (
    select
        {{ surrogate_key(['month_start_on', 'journey_phase_code', 'segment_code']) }} as journey_phase_month_key,
        month_start_on,
        {{ date_key('month_start_on') }} as month_date_key,
        journey_phase_code,
        phase_order,
        segment_code,
        {{ counted('entered_count') }} as entered_count,
        {{ counted('exited_count') }} as exited_count,
        {{ counted('advanced_count') }} as advanced_count,
        {{ counted('regressed_count') }} as regressed_count,
        {{ counted('abandoned_count') }} as abandoned_count,
        {{ counted('lost_count') }} as lost_count,
        {{ counted('resumed_count') }} as resumed_count,
        cast(sum(entered_count - exited_count) over (
            partition by journey_phase_code, segment_code order by month_start_on
            rows between unbounded preceding and current row
        ) as integer) as stock_end_count,
        {{ counted('days_sum') }} as days_sum,
        {{ counted('exited_count') }} as days_count,
        cast(days_median as decimal(9, 2)) as days_median,
        cast(days_p90 as decimal(9, 2)) as days_p90,
        {{ counted('touchpoint_count') }} as touchpoint_count,
        {{ counted('order_count') }} as order_count,
        {{ money('revenue_amount') }} as revenue_amount,
        {{ money('margin_amount') }} as margin_amount
    from joined
)

select * from final
