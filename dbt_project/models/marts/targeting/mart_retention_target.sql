-- Whom to keep: every scored account with its risk, what is at stake, why, what to do by when, whom to address, and what speaks against.
with

scores as (
    select * from {{ source('insight', 'retention_score') }}
),

account_values as (
    select * from {{ source('insight', 'account_value') }}
),

accounts as (
    select * from {{ ref('int_target__account') }}
),

actions as (
    select * from {{ ref('recommended_action') }}
),

suppressions as (
    select
        *,
        row_number() over (partition by account_key order by precedence, suppression_reason_code) as reason_number
    from {{ ref('int_target__holding') }}
    where bars_retention
),

scored as (
    select
        scores.*,
        account_values.revenue_365d_amount,
        account_values.expected_revenue_amount,
        account_values.value_at_risk_amount,
        account_values.clv_remaining_amount,
        -- Too little history for a model: then silence of twice the usual gap counts.
        coalesce(scores.churn_risk_band in ('elevated', 'high'), scores.overdue_ratio >= 2, false)
        and coalesce(account_values.value_at_risk_amount > 0, true) as is_candidate
    from scores
    left join account_values
        on scores.account_key = account_values.account_key and scores.as_of_on = account_values.as_of_on
),

-- Drawn among all that a campaign would want, before anything holds an account back: what keeps some from being addressed must not
-- decide who is compared with whom.
wanted as (
    select
        *,
        is_candidate and {{ in_holdout('account_key', 'retention') }} as is_holdout
    from scored
),

joined as (
    select
        wanted.*,
        accounts.account_name,
        accounts.segment_code,
        accounts.industry_code,
        accounts.country_code,
        accounts.account_owner_key,
        accounts.current_phase_code,
        accounts.renewal_on,
        accounts.open_case_count,
        accounts.open_complaint_count,
        accounts.nps_last,
        accounts.target_contact_key,
        accounts.target_contact_role_code,
        accounts.can_contact_email,
        accounts.can_contact_phone,
        accounts.legal_basis_code,
        accounts.recommended_channel_code,
        suppressions.suppression_reason_code is not null as is_suppressed,
        suppressions.suppression_reason_code,
        suppressions.suppression_text_en,
        suppressions.suppression_text_de,
        coalesce(actions.recommended_action_code, otherwise.recommended_action_code) as recommended_action_code,
        coalesce(actions.name_en, otherwise.name_en) as recommended_action_text_en,
        coalesce(actions.name_de, otherwise.name_de) as recommended_action_text_de,
        coalesce(actions.due_days, otherwise.due_days) as due_days
    from wanted
    inner join accounts
        on wanted.account_key = accounts.account_key
    left join suppressions
        on wanted.account_key = suppressions.account_key and suppressions.reason_number = 1
    left join actions
        on wanted.reason_code_1 = actions.reason_code
    left join actions as otherwise
        on otherwise.reason_code = 'none'
),

selected as (
    select
        *,
        is_candidate and not is_holdout and not is_suppressed as is_selected
    from joined
),

ranked as (
    select
        *,
        case
            when is_selected
                then row_number() over (
                    partition by is_selected
                    order by value_at_risk_amount desc nulls last, revenue_365d_amount desc nulls last, days_silent desc nulls last, account_key
                )
        end as priority_rank
    from selected
),

final as (
    select
        {{ surrogate_key(['account_key', 'as_of_on']) }} as retention_target_key,
        as_of_on,
        account_key,
        account_name,
        segment_code,
        industry_code,
        country_code,
        account_owner_key,
        current_phase_code,
        churn_risk_score,
        churn_risk_band,
        {{ try_cast('p_order', 'decimal(9, 6)') }} as order_probability,
        horizon_days,
        score_method,
        score_version,
        fallback_level,
        fallback_text_en,
        fallback_text_de,
        {% for n in [1, 2, 3] -%}
        reason_code_{{ n }},
        reason_text_en_{{ n }},
        reason_text_de_{{ n }},
        {{ try_cast('reason_weight_' ~ n, 'decimal(9, 4)') }} as reason_weight_{{ n }},
        {% endfor -%}
        orders_365d as orders_365d_count,
        last_order_on as last_ordered_on,
        days_silent as days_since_last_order,
        {{ try_cast('mean_gap_days', 'decimal(18, 2)') }} as expected_repurchase_interval_days,
        {{ try_cast('overdue_ratio', 'decimal(18, 4)') }} as overdue_ratio,
        revenue_365d_amount,
        expected_revenue_amount,
        clv_remaining_amount,
        value_at_risk_amount,
        {{ counted('open_case_count') }} as open_case_count,
        {{ counted('open_complaint_count') }} as open_complaint_count,
        cast(nps_last as decimal(9, 2)) as nps_last,
        renewal_on,
        recommended_action_code,
        recommended_action_text_en,
        recommended_action_text_de,
        cast({{ add_days('cast(as_of_on as timestamp)', 'due_days') }} as date) as action_by_on,
        target_contact_key,
        target_contact_role_code,
        can_contact_email,
        can_contact_phone,
        recommended_channel_code,
        legal_basis_code,
        is_candidate,
        is_holdout,
        is_suppressed,
        suppression_reason_code,
        suppression_text_en,
        suppression_text_de,
        cast(priority_rank as integer) as priority_rank,
        is_selected
    from ranked
)

select * from final
