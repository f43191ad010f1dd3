-- One row per currency and day, from the first known rate to the run's date: a day without a rate of its own has the last one before.
with

rates as (
    select
        currency_code,
        valid_from,
        rate_to_reporting,
        lead(valid_from) over (partition by currency_code order by valid_from nulls last) as next_valid_from
    from {{ ref('exchange_rate') }}
),

days as (
    select date_on from {{ ref('dim_date') }}
),

final as (
    select
        rates.currency_code,
        days.date_on as rate_on,
        rates.rate_to_reporting as rate
    from rates
    inner join days
        on
            rates.valid_from <= days.date_on
            and (rates.next_valid_from > days.date_on or rates.next_valid_from is null)
)

select * from final
