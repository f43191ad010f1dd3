{# What Shopware's own words mean here. #}

{# Where an order came in: sales channels of platforms, of sales and of electronic ordering are told by their name. #}
{% macro shop_channel(sales_channel_name) -%}
    case
        when {{ rx_match('lower(' ~ sales_channel_name ~ ')', '(marketplace|marktplatz|amazon|ebay|mercateo|unite)') }} then 'marketplace'
        when {{ rx_match('lower(' ~ sales_channel_name ~ ')', '(edi|punchout)') }} then 'edi'
        when {{ rx_match('lower(' ~ sales_channel_name ~ ')', '(phone|telefon|sales|vertrieb)') }} then 'sales'
        else 'own_shop'
    end
{%- endmacro %}
