#!/usr/bin/perl
# sfu-check ready: LiveKit takes rooms. It answers its health check with 200 as long as its node is fresh in Redis.
# sfu-check alive: LiveKit answers at all. Rooms go on while Redis is away, so that is no reason to end them.
#
#   env  HOST_IP (127.0.0.1), SFU_PORT (7880)
use strict;
use warnings;
use IO::Socket::IP;

my $want = shift // 'ready';
my $host = $ENV{HOST_IP} // '127.0.0.1';
my $port = $ENV{SFU_PORT} // 7880;

$SIG{ALRM} = sub { print "no answer from $host port $port within 2 s\n"; exit 1 };
alarm 2;
my $socket = IO::Socket::IP->new(PeerHost => $host, PeerPort => $port)
  or do { print "nothing listens at $host port $port\n"; exit 1 };
print $socket "GET / HTTP/1.0\r\n\r\n";
my $status = <$socket> // '';
exit 0 if $status =~ m{^HTTP/1\.\d 200 } || ($want eq 'alive' && $status =~ m{^HTTP/1\.\d \d});
$status =~ s/\s+$//;
print "LiveKit is not ready: $status\n";
exit 1;
