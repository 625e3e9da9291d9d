"""Routes of documents."""

from django.urls import include, path

from documents import (
    duplicate_views,
    file_views,
    finding_views,
    forward_views,
    move_views,
    note_views,
    saved_filter_views,
    upload_views,
    views,
    work_views,
)
from documents.asking import answer_views, missing_views
from documents.asking import views as asking_views

_document = [
    path("", views.document, name="document"),
    path("in-order/", finding_views.close, name="document-finding-close"),
    path("preview/", views.preview_pages, name="document-preview"),
    path("download/", file_views.download, name="document-download"),
    path("inside/<int:place>/", file_views.inside, name="document-inside"),
    path("email.eml", file_views.email_file, name="document-email-file"),
    path("email.pdf", file_views.email_pdf, name="document-email-pdf"),
    path("looks/", views.mail_looks, name="document-looks"),
    path("body/", file_views.body, name="document-body"),
    path("compare/", duplicate_views.compare, name="document-compare"),
    path("keep-both/", duplicate_views.keep_both, name="document-keep-both"),
    path("notes/", note_views.write, name="document-note"),
    path("notes/<uuid:note_id>/delete/", note_views.take_away, name="document-note-delete"),
    path("page/<int:number>/<int:width>/", file_views.page, name="document-page"),
]

urlpatterns = [
    path("administration/<uuid:administration_id>/ask/", asking_views.ask_client, name="ask-client"),
    path(
        "administration/<uuid:administration_id>/ask/<uuid:question_id>/withdraw/",
        asking_views.withdraw_question,
        name="question-withdraw",
    ),
    path("administration/<uuid:administration_id>/missing/", missing_views.missing_invoices, name="missing-invoices"),
    path(
        "administration/<uuid:administration_id>/missing/<uuid:supplier_id>/not-expected/",
        missing_views.not_expected,
        name="supplier-not-expected",
    ),
    path("answer/<str:token>/", answer_views.answer, name="answer"),
    path("forward-address/<str:token>", forward_views.confirm, name="forward-address-confirm"),
    path(
        "administration/<uuid:administration_id>/documents/",
        include(
            [
                path("", views.documents, name="documents"),
                path("upload/", upload_views.upload, name="document-upload"),
                path("upload/pages/", upload_views.upload_pages, name="document-upload-pages"),
                path("zip/", file_views.zip_file, name="documents-zip"),
                path("zip/names/", file_views.names_in_zip, name="documents-zip-names"),
                path("filters/", saved_filter_views.saved, name="documents-filters"),
                path("filters/keep/", saved_filter_views.keep, name="documents-filter-keep"),
                path("filters/<uuid:filter_id>/rename/", saved_filter_views.rename, name="documents-filter-rename"),
                path("filters/<uuid:filter_id>/remove/", saved_filter_views.remove, name="documents-filter-remove"),
                path("delete/", views.delete, name="documents-delete"),
                path("restore/<str:moment>/", views.restore, name="documents-restore"),
                path("forward/", forward_views.forward, name="documents-forward"),
                path("forward/address/", forward_views.address, name="forward-address"),
                path("forward/address/remove/", forward_views.remove_address, name="forward-address-remove"),
                path("move/", move_views.move, name="documents-move"),
                path("move-back/<str:moment>/", move_views.move_back, name="documents-move-back"),
                path("ask-again/<str:moment>/", duplicate_views.ask_again, name="documents-ask-again"),
                path("done/", work_views.done, name="documents-done"),
                path("reopen/", work_views.reopen, name="documents-reopen"),
                path("undo-done/<str:moment>/", work_views.undo_done, name="documents-undo-done"),
                path("found/", work_views.found, name="documents-found"),
                path("news/", work_views.news, name="documents-news"),
                path("<uuid:document_id>/", include(_document)),
            ]
        ),
    ),
]
