"""Traces of requests and tasks for an OpenTelemetry collector. Loaded only when OTEL_EXPORTER_OTLP_ENDPOINT is set.

Spans of our own, and none of OpenTelemetry's instrumentations: those tell whole addresses with the tokens in them,
statements, and the words of exceptions.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import structlog
from celery import Task, states
from celery.signals import before_task_publish, task_postrun, task_prerun, worker_process_shutdown
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from opentelemetry import context, propagate, trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind, StatusCode
from opentelemetry.util.re import parse_env_headers

from zenvoices.lib.access_log import path_of

#: OTEL_SERVICE_NAME says another
SERVICE: Final = "zenvoices"
_tracer = trace.get_tracer(__name__)


def begin(endpoint: str, headers: str) -> None:
    told = parse_env_headers(headers, liberal=True)
    exporter = OTLPSpanExporter(endpoint=f"{endpoint}/v1/traces", headers=told)
    resource = Resource.create({"service.name": SERVICE}).merge(OTELResourceDetector().detect())
    provider = TracerProvider(resource=resource)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    before_task_publish.connect(published)
    task_prerun.connect(task_begins)
    task_postrun.connect(task_ended)
    # A process of Celery's pool ends without what else sends the last spans.
    worker_process_shutdown.connect(lambda **kwargs: provider.force_flush(), weak=False)


class TracingMiddleware:
    """After the access log, whose request id it tells."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        with _tracer.start_as_current_span(str(request.method), kind=SpanKind.SERVER, record_exception=False) as span:
            response = self.get_response(request)
            path = path_of(request)
            span.update_name(f"{request.method} {path}".strip())
            span.set_attributes(
                {
                    "http.request.method": str(request.method),
                    "http.route": path,
                    "http.response.status_code": response.status_code,
                    **_request_id(),
                }
            )
            if response.status_code >= 500:
                span.set_status(StatusCode.ERROR)
        return response


def published(sender: str, headers: dict[str, Any], **kwargs: object) -> None:
    with _tracer.start_as_current_span(f"publish {sender}", kind=SpanKind.PRODUCER, attributes=_request_id()):
        propagate.inject(headers)


def task_begins(task: Task[Any, Any], **kwargs: object) -> None:
    parent = propagate.extract(task.request.headers or {})
    span = _tracer.start_span(task.name, parent, SpanKind.CONSUMER, attributes=_request_id())
    vars(task.request)["trace_token"] = context.attach(trace.set_span_in_context(span))


def task_ended(task: Task[Any, Any], state: str, **kwargs: object) -> None:
    span = trace.get_current_span()
    if state == states.FAILURE:
        span.set_status(StatusCode.ERROR)
    span.end()
    context.detach(vars(task.request)["trace_token"])


def _request_id() -> dict[str, str]:
    request = structlog.contextvars.get_contextvars().get("request")
    return {"zenvoices.request": request} if request else {}
