{{ config(materialized='view') }}

-- Every touchpoint of every vendor, still under the vendors' own ids. A new vendor is one more line here.
select * from {{ ref('int_touchpoint__hubspot') }}
union all
select * from {{ ref('int_touchpoint__shopware') }}
union all
select * from {{ ref('int_touchpoint__brevo') }}
union all
select * from {{ ref('int_touchpoint__zendesk') }}
union all
select * from {{ ref('int_touchpoint__odoo') }}
union all
select * from {{ ref('int_touchpoint__files') }}
