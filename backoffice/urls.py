from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("account/", include("backoffice.core.account_urls")),
    path("configuration/", admin.site.urls),
    path("numbers/", include("kpis.urls")),
    path("finance/", include("finance.urls")),
    path("logistics/", include("logistics.urls")),
    path("marketing/", include("marketing.urls")),
    path("", include("backoffice.core.urls")),
]

handler400 = "backoffice.core.views.errors.bad_request"
handler403 = "backoffice.core.views.errors.forbidden"
handler404 = "backoffice.core.views.errors.not_found"
handler500 = "backoffice.core.views.errors.server_error"
handler429 = "backoffice.core.views.errors.too_many"  # asked for by the sign-in pages
