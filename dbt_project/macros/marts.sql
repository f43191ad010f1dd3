{# What the marts share: the leading columns of the phase marts, and the draw of the accounts that a campaign leaves alone. #}

{# Visits to one phase with their account; the caller's own columns come after visit_columns(). #}
{% macro phase_visits(phase) -%}
    select
        visits.*,
        accounts.account_name,
        accounts.segment_code,
        accounts.industry_code,
        accounts.country_code,
        accounts.account_owner_key,
        cast(coalesce(roles.role_count, 0) as integer) as role_count
    from {{ ref('fct_journey_phase') }} as visits
    inner join {{ ref('dim_account') }} as accounts
        on visits.account_key = accounts.account_key
    left join (
        select journey.journey_phase_key, count(distinct contacts.buying_centre_role_code) as role_count
        from {{ ref('fct_customer_journey') }} as journey
        inner join {{ ref('dim_contact') }} as contacts
            on journey.contact_key = contacts.contact_key
        group by journey.journey_phase_key
    ) as roles
        on visits.journey_phase_key = roles.journey_phase_key
    where visits.journey_phase_code = '{{ phase }}'
{%- endmacro %}

{# Touchpoints of the visits to one phase. #}
{% macro phase_touchpoints(phase) -%}
    select touchpoints.*
    from {{ ref('fct_customer_journey') }} as touchpoints
    inner join {{ ref('fct_journey_phase') }} as visits
        on touchpoints.journey_phase_key = visits.journey_phase_key
    where visits.journey_phase_code = '{{ phase }}'
{%- endmacro %}

{# The leading columns, the same in every phase mart. #}
{% macro visit_columns(alias='visits') -%}
    {%- for column in [
        'journey_phase_key', 'account_key', 'account_name', 'segment_code', 'industry_code', 'country_code', 'account_owner_key',
        'journey_cycle_number', 'visit_number', 'entered_at', 'exited_at', 'outcome_code', 'is_current', 'is_resumption', 'days_in_phase',
        'cumulative_days_in_phase', 'days_vs_target', 'touchpoint_count', 'contact_count', 'role_count'
    ] %}{{ alias }}.{{ column }}{% if not loop.last %}, {% endif %}{% endfor %}
{%- endmacro %}

{# Whole number, zero where nothing was counted. #}
{% macro counted(expression) -%}cast(coalesce({{ expression }}, 0) as integer){%- endmacro %}

{# Money, zero where nothing was paid. #}
{% macro money(expression) -%}cast(coalesce({{ expression }}, 0) as decimal(18, 2)){%- endmacro %}

{# One account in ten is left alone, to see what would have happened anyway. The draw depends on the account and the campaign only:
   the same on every engine, in every run, and whatever else is known of the account. #}
{% macro in_holdout(account_key, campaign) -%}
    left(md5({{ account_key }} || '|' || '{{ campaign }}' || '|' || '{{ var("holdout_salt") }}'), 2) < '1a'
{%- endmacro %}
