"""An SMTP server on loopback for the tests of mail: aiosmtpd, told by one argument of JSON what to do.

Keys, all optional: "tls" ("starttls" or "tls") with "cert" and "key"; "user" and "password", and then "mechanisms" and
"clear_auth" (AUTH without TLS); "replies": for "connect", "mail", "rcpt:<address>" or "data" a list of what to say in turn
before all is accepted: a reply such as "450 4.2.1 busy", "close" (hangs up in the middle of a reply) or "hang".

Prints its port, then one line of JSON a mail that it took. Ends when its standard input does.
"""

import asyncio
import base64
import json
import logging
import ssl
import sys
import warnings

from aiosmtpd.smtp import SMTP, AuthResult

# What it says of clients that hang up, and of AUTH without TLS, is what the tests are about.
logging.disable(logging.CRITICAL)
warnings.simplefilter("ignore")


class Inbox:
    """Takes mail, or does what it was told to do instead."""

    def __init__(self, replies):
        self.replies = replies

    async def reply(self, server, step):
        waiting = self.replies.get(step)
        reply = waiting.pop(0) if waiting else None
        if reply == "hang":
            await asyncio.Event().wait()
        if reply == "close":
            server.transport.write(b"25")
            server.transport.close()
            await asyncio.Event().wait()
        return reply

    async def handle_EHLO(self, server, session, envelope, hostname, responses):
        session.host_name = hostname
        return responses

    async def handle_MAIL(self, server, session, envelope, address, options):
        reply = await self.reply(server, "mail")
        if reply is None:
            envelope.mail_from = address
        return reply or "250 OK"

    async def handle_RCPT(self, server, session, envelope, address, options):
        reply = await self.reply(server, "rcpt:" + address)
        if reply is None:
            envelope.rcpt_tos.append(address)
        return reply or "250 OK"

    async def handle_DATA(self, server, session, envelope):
        reply = await self.reply(server, "data")
        if reply is None:
            mail = {
                "helo": session.host_name,
                "tls": bool(session.ssl or server.transport.get_extra_info("ssl_object")),
                "auth": session.auth_data and session.auth_data.decode(),
                "from": envelope.mail_from,
                "to": envelope.rcpt_tos,
                "mail": base64.b64encode(envelope.original_content).decode(),
            }
            print(json.dumps(mail), flush=True)
        return reply or "250 OK: queued"


class Server(SMTP):
    """aiosmtpd, with a greeting that can be told as well."""

    async def _handle_client(self):
        reply = await self.event_handler.reply(self, "connect")
        if reply is not None:
            self.transport.write(reply.encode() + b"\r\n")
            self.transport.close()
            return
        await super()._handle_client()


async def main():
    order = json.loads(sys.argv[1])
    context = None
    if order.get("tls"):
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(order["cert"], order["key"])

    def authenticate(server, session, envelope, mechanism, data):
        is_right = (data.login.decode(), data.password.decode()) == (order["user"], order["password"])
        return AuthResult(success=is_right, handled=False, auth_data=mechanism.encode())

    mechanisms = order.get("mechanisms", ["PLAIN", "LOGIN"])
    inbox = Inbox(order.get("replies", {}))

    def session():
        return Server(
            inbox,
            hostname="mail.example.org",
            tls_context=context if order.get("tls") == "starttls" else None,
            require_starttls=order.get("tls") == "starttls",
            authenticator=authenticate if "user" in order else None,
            auth_required="user" in order,
            auth_require_tls=not (order.get("clear_auth") or order.get("tls") == "tls"),
            auth_exclude_mechanism=[name for name in ("PLAIN", "LOGIN") if name not in mechanisms],
        )

    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        session, "127.0.0.1", 0, ssl=context if order.get("tls") == "tls" else None
    )
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


asyncio.run(main())
