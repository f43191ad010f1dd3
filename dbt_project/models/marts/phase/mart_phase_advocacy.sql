-- Visits to advocacy: who would recommend us and who did.
with

visits as (
    {{ phase_visits('advocacy') }}
),

touchpoints as (
    {{ phase_touchpoints('advocacy') }}
),

measured as (
    select
        journey_phase_key,
        sum(case when touchpoint_type_code = 'nps_response' then 1 else 0 end) as nps_response_count,
        sum(case when touchpoint_type_code = 'nps_response' and rating_value >= 9 then 1 else 0 end) as nps_promoter_count,
        sum(case when touchpoint_type_code = 'nps_response' and rating_value < 7 then 1 else 0 end) as nps_detractor_count,
        count(distinct case when touchpoint_type_code = 'nps_response' and rating_value >= 9 then contact_key end) as promoter_contact_count,
        sum(case when touchpoint_type_code = 'referral_given' then 1 else 0 end) as referral_count,
        sum(case when touchpoint_type_code = 'reference_given' then 1 else 0 end) as reference_count,
        sum(case when is_conversion then 1 else 0 end) as order_count
    from touchpoints
    group by journey_phase_key
),

last_nps as (
    select
        journey_phase_key,
        rating_value,
        row_number() over (partition by journey_phase_key order by occurred_at desc, touchpoint_key) as recency
    from touchpoints
    where touchpoint_type_code = 'nps_response'
),

final as (
    select
        {{ visit_columns() }},
        {{ counted('measured.nps_response_count') }} as nps_response_count,
        {{ counted('measured.nps_promoter_count') }} as nps_promoter_count,
        {{ counted('measured.nps_detractor_count') }} as nps_detractor_count,
        {{ counted('measured.promoter_contact_count') }} as promoter_contact_count,
        cast(last_nps.rating_value as decimal(9, 2)) as nps_last,
        {{ counted('measured.referral_count') }} as referral_count,
        {{ counted('measured.reference_count') }} as reference_count,
        {{ counted('measured.order_count') }} as order_count,
        {{ money('visits.revenue_amount') }} as net_amount,
        {{ money('visits.margin_amount') }} as margin_amount
    from visits
    left join measured
        on visits.journey_phase_key = measured.journey_phase_key
    left join last_nps
        on visits.journey_phase_key = last_nps.journey_phase_key and last_nps.recency = 1
)

select * from final
