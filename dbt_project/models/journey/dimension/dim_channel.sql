-- The ways on which company and customer meet.
with

channels as (
    select * from {{ ref('channel') }}
),

final as (
    select
        channel_code,
        name_de,
        name_en,
        channel_group as channel_group_code,
        is_owned,
        is_platform
    from channels
)

select * from final
