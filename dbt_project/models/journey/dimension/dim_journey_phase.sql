-- Phases under every scheme: filter on one scheme_code, and every total is that of the eight phases of the house.
with

phases as (
    select * from {{ ref('journey_phase') }}
),

schemes as (
    select * from {{ ref('journey_phase_scheme') }}
),

final as (
    select
        {{ surrogate_key(['schemes.scheme_code', 'phases.journey_phase_code']) }} as scheme_phase_key,
        schemes.scheme_code,
        phases.journey_phase_code,
        phases.phase_order,
        phases.name_en,
        phases.name_de,
        schemes.scheme_order,
        schemes.name_en as scheme_name_en,
        schemes.name_de as scheme_name_de,
        phases.phase_group_code,
        phases.is_customer_phase,
        phases.is_terminal,
        phases.inactivity_days,
        phases.target_days
    from phases
    inner join schemes
        on phases.journey_phase_code = schemes.journey_phase_code
)

select * from final
