-- What each customer brought, brings and is likely to bring; and how few of them bring most of it.
with

money as (
    select * from {{ source('insight', 'account_value') }}
),

accounts as (
    select * from {{ ref('dim_account') }}
),

run as (
    select as_of_at from {{ source('ops', 'run') }}
),

lines as (
    select * from {{ ref('fct_order_line') }}
    where not is_cancelled
),

history as (
    select
        lines.account_key,
        cast(count(distinct case when not lines.is_return then lines.order_key end) as integer) as order_count,
        cast(coalesce(sum(lines.net_amount), 0) as decimal(18, 2)) as revenue_total_amount,
        cast(sum(lines.margin_amount) as decimal(18, 2)) as margin_total_amount,
        cast(sum(case when lines.ordered_at >= {{ add_days('run.as_of_at', -365) }} then lines.margin_amount end) as decimal(18, 2))
            as margin_365d_amount,
        cast(coalesce(sum(case when lines.channel_code = 'marketplace' then lines.net_amount end), 0) as decimal(18, 2))
            as marketplace_revenue_total_amount
    from lines
    cross join run
    group by lines.account_key
),

cumulated as (
    select
        *,
        sum(greatest(revenue_365d_amount, 0)) over (
            order by revenue_365d_amount desc, account_key rows between unbounded preceding and current row
        ) as cumulated_amount,
        sum(greatest(revenue_365d_amount, 0)) over () as all_amount
    from money
),

final as (
    select
        {{ surrogate_key(['cumulated.account_key', 'cumulated.as_of_on']) }} as customer_value_key,
        cumulated.as_of_on,
        cumulated.account_key,
        accounts.account_name,
        accounts.segment_code,
        accounts.account_class_code,
        accounts.customer_since_on,
        coalesce(history.order_count, 0) as order_count,
        coalesce(history.revenue_total_amount, 0) as revenue_total_amount,
        history.margin_total_amount,
        history.margin_365d_amount,
        coalesce(history.marketplace_revenue_total_amount, 0) as marketplace_revenue_total_amount,
        cumulated.revenue_365d_amount,
        cumulated.baseline_90d_amount,
        cumulated.expected_order_amount,
        cumulated.expected_revenue_amount,
        cumulated.value_at_risk_amount,
        cumulated.clv_remaining_amount,
        cumulated.clv_horizon_months,
        cast(100.0 * cumulated.cumulated_amount / nullif(cumulated.all_amount, 0) as decimal(9, 4)) as cumulative_revenue_share_pct,
        case
            when cumulated.all_amount <= 0 or cumulated.revenue_365d_amount <= 0 then 'C'
            when cumulated.cumulated_amount - cumulated.revenue_365d_amount < 0.8 * cumulated.all_amount then 'A'
            when cumulated.cumulated_amount - cumulated.revenue_365d_amount < 0.95 * cumulated.all_amount then 'B'
            else 'C'
        end as abc_class_code,
        cumulated.score_version
    from cumulated
    inner join accounts
        on cumulated.account_key = accounts.account_key
    left join history
        on cumulated.account_key = history.account_key
)

select * from final
