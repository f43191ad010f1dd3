-- Cycles: from the first touch, or from the last purchase or exit, to the next purchase or exit.
with

visits as (
    select * from {{ ref('fct_journey_phase') }}
),

journey as (
    select * from {{ ref('fct_customer_journey') }}
    where journey_cycle_number is not null
),

entries as (
    select
        account_key,
        journey_cycle_number,
        min(entered_at) as started_at,
        max(last_touchpoint_at) as last_touchpoint_at,
        max(case when is_current then 1 else 0 end) = 1 as is_current,
        {% for phase in ['awareness', 'consideration', 'decision', 'purchase', 'retention', 'growth', 'advocacy', 'exit'] -%}
        min(case when journey_phase_code = '{{ phase }}' then entered_at end) as {{ phase }}_entered_at,
        {% endfor -%}
        sum(case when is_resumption then 1 else 0 end) as resumption_count,
        max(idle_days_max) as longest_silence_days
    from visits
    group by account_key, journey_cycle_number
),

measured as (
    select
        account_key,
        journey_cycle_number,
        count(*) as touchpoint_count,
        count(distinct contact_key) as contact_count,
        sum(case when touchpoint_type_code in ('meeting_held', 'demo_held') then 1 else 0 end) as meeting_count,
        max(case when days_to_cycle_conversion is not null then content_sequence_number end) as contents_before_purchase,
        min(case when is_conversion or touchpoint_type_code = 'deal_won' then occurred_at end) as converted_at,
        sum(case when is_conversion then net_amount end) as revenue_amount
    from journey
    group by account_key, journey_cycle_number
),

final as (
    select
        {{ surrogate_key(['entries.account_key', 'entries.journey_cycle_number']) }} as journey_cycle_key,
        entries.account_key,
        entries.journey_cycle_number,
        entries.started_at,
        entries.last_touchpoint_at,
        entries.is_current,
        {% for phase in ['awareness', 'consideration', 'decision', 'purchase', 'retention', 'growth', 'advocacy', 'exit'] -%}
        entries.{{ phase }}_entered_at,
        {% endfor -%}
        measured.converted_at,
        case
            when measured.converted_at is not null then 'won'
            when entries.exit_entered_at is not null then 'lost'
            else 'open'
        end as outcome_code,
        {{ days_between('entries.started_at', 'measured.converted_at') }} as cycle_days,
        cast(coalesce(measured.touchpoint_count, 0) as integer) as touchpoint_count,
        cast(coalesce(measured.contact_count, 0) as integer) as contact_count,
        cast(coalesce(measured.meeting_count, 0) as integer) as meeting_count,
        cast(coalesce(measured.contents_before_purchase, 0) as integer) as contents_before_purchase,
        cast(entries.resumption_count as integer) as resumption_count,
        cast(entries.longest_silence_days as integer) as longest_silence_days,
        cast(coalesce(measured.revenue_amount, 0) as decimal(18, 2)) as revenue_amount
    from entries
    left join measured
        on
            entries.account_key = measured.account_key
            and entries.journey_cycle_number = measured.journey_cycle_number
)

select * from final
