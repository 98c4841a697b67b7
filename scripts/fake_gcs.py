"""Serves Google Cloud Storage's XML API by moto: that API is S3's, but for how one logs in and for the storage classes.

usage: .cache/moto/bin/python scripts/fake_gcs.py

Listens on a free port of 127.0.0.1, which it prints to stderr, with a line for each request and each class that an object
is stored in. Any token is taken; what is signed as for S3 is refused, and so is a class that Google does not have. The
emulators of GCS that can be installed by pip know its JSON API only, and not the multipart uploads of the other.
"""
import sys

from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import run_simple

CLASSES = {"STANDARD", "NEARLINE", "COLDLINE", "ARCHIVE"}
MOTO = DomainDispatcherApplication(create_backend_app)


def refusal(environ):
    for header in ("HTTP_X_AMZ_DATE", "HTTP_X_AMZ_STORAGE_CLASS", "HTTP_X_AMZ_CONTENT_SHA256"):
        if header in environ:
            return "403 Forbidden"
    login = environ.get("HTTP_AUTHORIZATION")
    if login is not None and not login.startswith("Bearer"):
        return "403 Forbidden"
    if environ.get("HTTP_X_GOOG_STORAGE_CLASS", "STANDARD") not in CLASSES:
        return "400 Bad Request"
    return None


def serve(environ, start_response):
    status = refusal(environ)
    if status:
        start_response(status, [("Content-Length", "0")])
        return [b""]
    if "HTTP_X_GOOG_STORAGE_CLASS" in environ:
        print("stored as", environ["HTTP_X_GOOG_STORAGE_CLASS"], file=sys.stderr, flush=True)
    environ["HTTP_AUTHORIZATION"] = "Bearer token"  # an empty one, or none, is too little for moto
    return MOTO(environ, start_response)


run_simple("127.0.0.1", 0, serve, threaded=True)
