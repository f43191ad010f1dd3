-- Kinds of touchpoints, with how often each was seen: one that no source fills is not measured, which is not the same as zero.
with

types as (
    select * from {{ ref('touchpoint_type') }}
),

seen as (
    select touchpoint_type_code, count(*) as touchpoint_count
    from {{ ref('int_touchpoint__unioned') }}
    group by touchpoint_type_code
),

final as (
    select
        types.touchpoint_type_code,
        types.name_en,
        types.name_de,
        types.touchpoint_category,
        types.channel_code,
        types.direction,
        types.touchpoint_relation_code,
        types.is_exposure,
        types.is_content_consumption,
        types.is_conversion,
        types.is_attributable,
        types.default_value_points,
        types.filled_by,
        types.filled_by is not null as is_measured,
        case when types.filled_by is not null then cast(coalesce(seen.touchpoint_count, 0) as bigint) end as touchpoint_count,
        types.is_active
    from types
    left join seen
        on types.touchpoint_type_code = seen.touchpoint_type_code
)

select * from final
