using Grpc.Core;
using Kv.Common.Identity;
using Kv.Node.Peers;

namespace Kv.Node.Tests.Peers;

public sealed class GrpcPeerStreamTests
{
    private static readonly NodeAddress Peer = NodeAddress.Parse("127.0.0.1:1");

    [Fact]
    public async Task A_write_on_a_connection_that_the_peer_closed_says_that_the_peer_is_unavailable()
    {
        // As the client throws it when a connection ends by GOAWAY between two writes of a stream: not translated, although every other way to end is.
        var closed = new HttpRequestException("The request was aborted.", new HttpProtocolException(2, "The HTTP/2 server closed the connection.", null));
        await using var stream = new GrpcPeerStream<string, string, string, string>(Peer, new ClosedWriter(closed), null!, text => text, text => text, null);
        var said = await Assert.ThrowsAsync<PeerUnavailableException>(() => stream.SendAsync("beat", CancellationToken.None).AsTask());
        Assert.Same(closed, said.InnerException);
    }

    private sealed class ClosedWriter(Exception closed) : IAsyncStreamWriter<string>
    {
        public WriteOptions? WriteOptions { get; set; }

        public Task WriteAsync(string message) => Task.FromException(closed);

        public Task WriteAsync(string message, CancellationToken cancellationToken) => Task.FromException(closed);
    }
}
