from django.urls import path

from . import views

app_name = "kpis"
urlpatterns = [
    path("", views.index, name="index"),
    path("measures/<str:key>/", views.measure, name="measure"),
    path("measures/<str:key>/rows/", views.facts, name="facts"),
    path("files/<int:pk>/", views.sheet, name="sheet"),
    path("<slug:board>/", views.board, name="board"),
    path("<slug:board>/pdf/", views.board_pdf, name="board_pdf"),
]
