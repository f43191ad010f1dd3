-- Accounts that stopped ordering: silent for more than three of their own usual gaps (at least 120 days), or reported as lost. They left when
-- the next order was due and did not come. An order after such a silence is a return.
with

order_days as (
    select
        account_key,
        ordered_on,
        lead(ordered_on) over (partition by account_key order by ordered_on) as next_ordered_on,
        count(*) over (partition by account_key) as order_day_count,
        min(ordered_on) over (partition by account_key) as first_ordered_on,
        max(ordered_on) over (partition by account_key) as last_ordered_on
    from (
        select distinct account_key, ordered_on
        from {{ ref('fct_order_line') }}
        where not is_cancelled and not is_return
    ) as distinct_days
),

accounts as (
    select account_key, exit_reason_code from {{ ref('dim_account') }}
),

run as (
    select as_of_at from {{ source('ops', 'run') }}
),

-- One order tells no rhythm: such an account counts as lapsed after a year.
gaps as (
    select
        order_days.account_key,
        order_days.ordered_on,
        coalesce(order_days.next_ordered_on, cast(run.as_of_at as date)) as until_on,
        order_days.next_ordered_on is null as is_last,
        accounts.exit_reason_code,
        case
            when order_days.order_day_count >= 2
                then greatest(14, cast(round(
                    cast({{ days_between('order_days.first_ordered_on', 'order_days.last_ordered_on') }} as decimal(18, 6))
                    / (order_days.order_day_count - 1)
                ) as integer))
            else 120
        end as usual_gap_days
    from order_days
    cross join run
    left join accounts
        on order_days.account_key = accounts.account_key
),

final as (
    select
        account_key,
        {{ add_days('cast(ordered_on as timestamp)', 'usual_gap_days') }} as occurred_at,
        case when is_last and exit_reason_code is not null then 'told' else 'own_rhythm' end as lapse_code,
        exit_reason_code,
        case when not is_last then until_on end as returned_on
    from gaps
    where
        {{ days_between('ordered_on', 'until_on') }} > greatest(120, 3 * usual_gap_days)
        or (is_last and exit_reason_code is not null and {{ days_between('ordered_on', 'until_on') }} > usual_gap_days)
)

select * from final
