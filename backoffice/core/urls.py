from django.urls import path

from .views import activity, attachments, design, exports, health, home, notices, parties, shell, task_list, tasks

urlpatterns = [
    path("", home.home, name="home"),
    path("inbox/", home.needs_me, name="inbox"),
    path("notices/", notices.listing, name="notices"),
    path("notices/read/", notices.mark_read, name="notices_read"),
    path("tasks/", task_list.TaskList.as_view(), name="tasks"),
    path("tasks/new/", tasks.create, name="task_create"),
    path("tasks/<int:pk>/", tasks.detail, name="task"),
    path("tasks/<int:pk>/edit/", tasks.edit, name="task_edit"),
    path("tasks/<int:pk>/done/", tasks.finish, name="task_finish"),
    path("tasks/<int:pk>/reopen/", tasks.reopen, name="task_reopen"),
    path("activity/", activity.timeline, name="timeline"),
    path("activity/comment/", activity.comment, name="comment"),
    path("activity/attach/", attachments.attach, name="attach"),
    path("attachments/<int:pk>/", attachments.download, name="attachment"),
    path("attachments/<int:pk>/remove/", attachments.remove, name="attachment_remove"),
    path("activity/follow/", activity.follow, name="follow"),
    path("healthz", health.healthz, name="healthz"),
    path("language/", shell.language, name="language"),
    path("theme/", shell.theme, name="theme"),
    path("shortcuts/", shell.shortcuts, name="shortcuts"),
    path("parties/", parties.PartyList.as_view(), name="parties"),
    path("exports/<int:pk>/", exports.export_file, name="export_file"),
    path("help/", shell.help_page, name="help"),
    path("design/", design.design, name="design"),
]
