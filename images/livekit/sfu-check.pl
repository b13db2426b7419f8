#!/usr/bin/perl
# sfu-check ready: LiveKit takes rooms. It answers its health check with 200 as long as its node is fresh in Redis.
# sfu-check alive: LiveKit answers at all. Rooms go on while Redis is away, so that is no reason to end them.
# sfu-check empty: LiveKit says that nobody is there.
#
#   env  HOST_IP (127.0.0.1), SFU_PORT (7880), SFU_METRICS_PORT (6789)
use strict;
use warnings;
use IO::Socket::IP;

my $want = shift // 'ready';
my $host = $ENV{HOST_IP} // '127.0.0.1';
my $port = $want eq 'empty' ? $ENV{SFU_METRICS_PORT} // 6789 : $ENV{SFU_PORT} // 7880;
my $path = $want eq 'empty' ? '/metrics' : '/';

sub fail { print "@_\n"; exit 1 }

$SIG{ALRM} = sub { fail "no answer from $host port $port within 2 s" };
alarm 2;
my $socket = IO::Socket::IP->new(PeerHost => $host, PeerPort => $port)
  or fail "nothing listens at $host port $port";
print $socket "GET $path HTTP/1.0\r\n\r\n";
my $status = <$socket> // '';
$status =~ s/\s+$//;
fail "LiveKit is not ready: $status"
  unless $status =~ m{^HTTP/1\.\d 200 } || ($want eq 'alive' && $status =~ m{^HTTP/1\.\d \d});
exit 0 if $want ne 'empty';

my @participants = map { /^livekit_participant_total\S* (\S+)/ ? $1 : () } <$socket>;
my @present = grep { $_ > 0 } @participants;
exit(@participants && !@present ? 0 : 1);
