-- Whom to grow and with what: products that fit, categories bought less than before or than peers buy or not at all, and goods that are due again.
with

accounts as (
    select * from {{ ref('int_target__account') }}
),

products as (
    select product_key, product_number, product_name, category_code from {{ ref('dim_product') }}
),

-- One campaign an account: who is on the list to be kept is not sold to.
holding as (
    select account_key, suppression_reason_code, suppression_text_en, suppression_text_de, precedence
    from {{ ref('int_target__holding') }}
    union all
    select
        kept.account_key, reasons.suppression_reason_code, reasons.name_en as suppression_text_en, reasons.name_de as suppression_text_de,
        reasons.precedence
    from {{ ref('mart_retention_target') }} as kept
    inner join {{ ref('suppression_reason') }} as reasons
        on reasons.suppression_reason_code = 'retention_first'
    where kept.is_selected
),

suppressions as (
    select
        *,
        row_number() over (partition by account_key order by precedence, suppression_reason_code) as reason_number
    from holding
),

owned as (
    select account_key, count(distinct product_key) as product_count
    from {{ ref('fct_order_line') }}
    where not is_return and not is_cancelled and product_key is not null
    group by account_key
),

offers as (
    select
        'cross_sell' as growth_type_code,
        account_key,
        product_key,
        cast(null as {{ text_type() }}) as category_code,
        as_of_on,
        method,
        purchase_propensity,
        support,
        confidence,
        lift,
        peer_penetration_pct,
        because_product_key_1,
        because_product_key_2,
        because_product_key_3,
        cast(null as decimal(18, 2)) as own_level_gap_amount,
        cast(null as decimal(18, 2)) as peer_gap_amount,
        cast(null as date) as due_on,
        expected_order_amount,
        expected_value_amount,
        rank as source_rank,
        reason_text_en,
        reason_text_de,
        score_version
    from {{ source('insight', 'recommendation') }}
    union all
    select
        'upsell', account_key, null, category_code, as_of_on, method, null, peers, null, null, null, null, null, null,
        own_level_gap_amount, peer_gap_amount, null, null, potential_amount, 0, reason_text_en, reason_text_de, score_version
    from {{ source('insight', 'upsell_gap') }}
    union all
    select
        'whitespace', account_key, null, category_code, as_of_on, method, null, support, null, null, peer_penetration_pct, null, null, null,
        null, potential_amount as peer_gap_amount, null, expected_order_amount, potential_amount as expected_value_amount, rank, reason_text_en, reason_text_de, score_version
    from {{ source('insight', 'whitespace') }}
    union all
    select
        'replenishment', account_key, product_key, null, as_of_on, 'own_rhythm', null, null, null, null, null, null, null, null,
        null, null, due_on, expected_order_amount, expected_order_amount as expected_value_amount, 0, reason_text_en, reason_text_de, score_version
    from {{ source('insight', 'replenishment') }}
),

joined as (
    select
        offers.growth_type_code,
        offers.account_key,
        offers.product_key,
        offers.as_of_on,
        offers.method as recommendation_method,
        offers.purchase_propensity,
        offers.support,
        offers.confidence,
        offers.lift,
        offers.peer_penetration_pct,
        offers.because_product_key_1,
        offers.because_product_key_2,
        offers.because_product_key_3,
        offers.own_level_gap_amount,
        offers.peer_gap_amount,
        offers.due_on,
        offers.expected_order_amount,
        offers.expected_value_amount,
        offers.source_rank,
        offers.reason_text_en,
        offers.reason_text_de,
        offers.score_version,
        coalesce(offers.category_code, products.category_code) as category_code,
        products.product_number,
        products.product_name,
        accounts.account_name,
        accounts.segment_code,
        accounts.industry_code,
        accounts.country_code,
        accounts.account_owner_key,
        accounts.current_phase_code,
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
        owned.product_count as products_owned_count,
        row_number() over (
            partition by offers.growth_type_code, offers.account_key
            order by
                offers.expected_value_amount desc nulls last, offers.source_rank,
                coalesce(offers.product_key, offers.category_code)
        ) as offer_rank
    from offers
    inner join accounts
        on offers.account_key = accounts.account_key
    left join suppressions
        on offers.account_key = suppressions.account_key and suppressions.reason_number = 1
    left join products
        on offers.product_key = products.product_key
    left join owned
        on offers.account_key = owned.account_key
),

-- Three offers of a kind are as many as anybody talks about. The draw of those left alone is by account and before anything holds one back.
wanted as (
    select
        *,
        offer_rank <= 3 as is_candidate,
        offer_rank <= 3 and {{ in_holdout('account_key', 'growth') }} as is_holdout
    from joined
),

selected as (
    select
        *,
        is_candidate and not is_holdout and not is_suppressed as is_selected
    from wanted
),

ranked_by_kind as (
    select
        *,
        row_number() over (
            partition by growth_type_code, is_selected
            order by expected_value_amount desc nulls last, purchase_propensity desc nulls last, account_key, offer_rank
        ) as kind_rank
    from selected
),

-- What an offer is worth compares within its kind only, so the kinds take turns.
ranked as (
    select
        *,
        case when is_selected then row_number() over (partition by is_selected order by kind_rank, growth_type_code) end as priority_rank
    from ranked_by_kind
),

final as (
    select
        {{ surrogate_key(['growth_type_code', 'account_key', 'product_key', 'category_code', 'as_of_on']) }} as growth_target_key,
        as_of_on,
        growth_type_code,
        account_key,
        account_name,
        segment_code,
        industry_code,
        country_code,
        account_owner_key,
        current_phase_code,
        product_key,
        product_number,
        product_name,
        category_code,
        recommendation_method,
        {{ try_cast('purchase_propensity', 'decimal(9, 6)') }} as purchase_propensity,
        cast(support as integer) as support_count,
        {{ try_cast('confidence', 'decimal(9, 6)') }} as confidence,
        {{ try_cast('lift', 'decimal(18, 4)') }} as lift,
        {{ try_cast('peer_penetration_pct', 'decimal(9, 4)') }} as peer_penetration_pct,
        because_product_key_1,
        because_product_key_2,
        because_product_key_3,
        own_level_gap_amount,
        peer_gap_amount,
        due_on,
        expected_order_amount,
        expected_value_amount,
        {{ counted('products_owned_count') }} as products_owned_count,
        reason_text_en,
        reason_text_de,
        score_version,
        target_contact_key,
        target_contact_role_code,
        can_contact_email,
        can_contact_phone,
        recommended_channel_code,
        legal_basis_code,
        cast(offer_rank as integer) as offer_rank,
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
