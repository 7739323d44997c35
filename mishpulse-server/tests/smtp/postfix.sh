#!/bin/sh
# Runs a Postfix of its own on loopback: postfix.sh FOLDER PORT, as root. Mail to ops@example.org and oncall@example.org lands
# in FOLDER/mail/<user>/new; all other is refused. Says "ready" once it answers, ends when its standard input does.
set -eu

folder=$1
port=$2
etc=$folder/etc
mkdir -p "$etc" "$folder/queue" "$folder/data" "$folder/mail"
chmod 755 "$folder" "$etc" "$folder/queue"
chown postfix "$folder/data"
chown nobody "$folder/mail"

cat > "$etc/main.cf" <<END
compatibility_level = 3.6
queue_directory = $folder/queue
data_directory = $folder/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
maillog_file = $folder/log
maillog_file_prefixes = $folder
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = mail.example.org
mydestination =
alias_maps =
mynetworks = 127.0.0.0/8
virtual_mailbox_domains = example.org
virtual_mailbox_base = $folder/mail
virtual_mailbox_maps = texthash:$etc/mailboxes
virtual_uid_maps = static:$(id -u nobody)
virtual_gid_maps = static:$(id -g nobody)
smtpd_relay_restrictions = reject_unauth_destination
smtpd_helo_required = yes
smtpd_helo_restrictions = reject_invalid_helo_hostname, reject_non_fqdn_helo_hostname
smtpd_recipient_restrictions = reject_unlisted_recipient
smtpd_data_restrictions = reject_unauth_pipelining
strict_rfc821_envelopes = yes
END

cat > "$etc/mailboxes" <<'END'
ops@example.org ops/
oncall@example.org oncall/
END

cat > "$etc/master.cf" <<END
127.0.0.1:$port inet n - n - - smtpd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
virtual unix - n n - - virtual
error unix - - n - - error
retry unix - - n - - error
proxymap unix - - n - - proxymap
anvil unix - - n - 1 anvil
postlog unix-dgram n - n - 1 postlogd
END

trap 'postfix -c "$etc" stop > /dev/null 2>&1 || true' EXIT
postfix -c "$etc" start > "$folder/start.log" 2>&1 || { cat "$folder/start.log" >&2; exit 1; }
echo ready
cat > /dev/null
