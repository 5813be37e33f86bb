"""An Authlib server with a device grant on a port of its own, for the tests. Prints its address as one JSON line and
ends when stdin does. Authlib leaves the pages to its users; these are the simplest that can approve and decline."""

import json
import os
import sys
import threading
import time

from authlib.integrations.flask_oauth2 import AuthorizationServer, ResourceProtector, current_token
from authlib.oauth2.rfc6749 import ClientMixin, TokenMixin, grants
from authlib.oauth2.rfc6750 import BearerTokenValidator
from authlib.oauth2.rfc7009 import RevocationEndpoint
from authlib.oauth2.rfc8628 import (
    DEVICE_CODE_GRANT_TYPE,
    DeviceAuthorizationEndpoint,
    DeviceCodeGrant,
    DeviceCredentialDict,
)
from flask import Flask, jsonify, render_template_string, request, url_for
from werkzeug.serving import make_server

METHODS = ["client_secret_basic", "client_secret_post", "none"]
PAGE = """<!doctype html><title>Authlib</title><h1 class="{{ state }}">{{ heading }}</h1>
<form method="post">
  <input name="user_code" value="{{ user_code }}">
  <button name="decision" value="accept">Accept</button>
  <button name="decision" value="decline">Decline</button>
</form>"""


class Client(ClientMixin):
    def __init__(self, client_id, method, lifetime=600):
        self.client_id, self.method, self.lifetime = client_id, method, lifetime

    def get_client_id(self):
        return self.client_id

    def get_allowed_scope(self, scope):
        return scope or ""

    def check_client_secret(self, client_secret):
        return client_secret == f"secret-of-{self.client_id}"

    def check_endpoint_auth_method(self, method, endpoint):
        return method == self.method

    def check_grant_type(self, grant_type):
        return grant_type in (DEVICE_CODE_GRANT_TYPE, "refresh_token")


class Token(dict, TokenMixin):
    def check_client(self, client):
        return self["client_id"] == client.get_client_id()

    def get_scope(self):
        return self["scope"]

    def get_expires_in(self):
        return self["expires_in"]

    def is_expired(self):
        return self["issued_at"] + self["expires_in"] < time.time()

    def is_revoked(self):
        return self["revoked"]


clients = {
    client.client_id: client
    for client in [
        Client("public", "none"),
        Client("hasty", "none", lifetime=2),
        Client("posting", "client_secret_post"),
        Client("basic", "client_secret_basic"),
    ]
}
credentials, decisions, tokens = {}, {}, []


def find_token(kind, text):
    return next((token for token in tokens if token.get(kind) == text), None)


class Device(DeviceAuthorizationEndpoint):
    INTERVAL = 1

    def get_verification_uri(self):
        return url_for("device", _external=True)

    def save_device_credential(self, client_id, scope, data):
        data["expires_in"] = clients[client_id].lifetime
        kept = DeviceCredentialDict(data, client_id=client_id, scope=scope, expires_at=time.time() + data["expires_in"])
        credentials[data["device_code"]] = kept


class Poll(DeviceCodeGrant):
    def query_device_credential(self, device_code):
        return credentials.get(device_code)

    def query_user_grant(self, user_code):
        return decisions.get(user_code)

    def should_slow_down(self, credential):
        return False


class Refresh(grants.RefreshTokenGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = METHODS
    INCLUDE_NEW_REFRESH_TOKEN = True

    def authenticate_refresh_token(self, refresh_token):
        token = find_token("refresh_token", refresh_token)
        return token if token and not token["revoked"] else None

    def authenticate_user(self, refresh_token):
        return refresh_token["user"]

    def revoke_old_credential(self, refresh_token):
        refresh_token["revoked"] = True


class Revocation(RevocationEndpoint):
    CLIENT_AUTH_METHODS = METHODS

    def query_token(self, token_string, token_type_hint):
        kinds = [token_type_hint] if token_type_hint else ["access_token", "refresh_token"]
        return next(filter(None, (find_token(kind, token_string) for kind in kinds)), None)

    def revoke_token(self, token, request):
        token["revoked"] = True


class Validator(BearerTokenValidator):
    def authenticate_token(self, token_string):
        return find_token("access_token", token_string)


def save_token(token, asked):
    more = {"client_id": asked.client.client_id, "user": asked.user, "issued_at": time.time(), "revoked": False}
    tokens.append(Token(token, **more))


app = Flask(__name__)
app.config["OAUTH2_REFRESH_TOKEN_GENERATOR"] = True
app.config["OAUTH2_TOKEN_EXPIRES_IN"] = {DEVICE_CODE_GRANT_TYPE: 3600, "refresh_token": 3600}
server = AuthorizationServer(app, query_client=clients.get, save_token=save_token)
server.register_endpoint(Device)
server.register_endpoint(Revocation)
server.register_grant(Poll)
server.register_grant(Refresh)
protector = ResourceProtector()
protector.register_token_validator(Validator())


@app.post("/device_authorization")
def device_authorization():
    return server.create_endpoint_response(Device.ENDPOINT_NAME)


@app.post("/token")
def token():
    return server.create_token_response()


@app.post("/revoke")
def revoke():
    return server.create_endpoint_response(Revocation.ENDPOINT_NAME)


@app.get("/userinfo")
@protector("profile")
def userinfo():
    sub = current_token["user"]
    return jsonify(sub=sub, name=f"Person {sub}", email=f"{sub}@example.com")


@app.route("/device", methods=["GET", "POST"])
def device():
    user_code = request.values.get("user_code", "")
    state, heading = "open", "Which code does your device show?"
    if request.method == "POST" and any(kept["user_code"] == user_code for kept in credentials.values()):
        is_accepted = request.form["decision"] == "accept"
        decisions[user_code] = ("maya", is_accepted)
        state, heading = "decided", "Accepted" if is_accepted else "Declined"
    return render_template_string(PAGE, state=state, heading=heading, user_code=user_code)


def end_with_stdin():
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"
    listener = make_server("127.0.0.1", 0, app, threaded=True)
    threading.Thread(target=end_with_stdin).start()
    print(json.dumps({"origin": f"http://127.0.0.1:{listener.server_port}"}), flush=True)
    listener.serve_forever()
