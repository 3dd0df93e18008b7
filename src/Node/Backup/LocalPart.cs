using Kv.Common.Identity;
using Kv.Node.Peers;

namespace Kv.Node.Backup;

/// <summary>This node's own part of a backup that it makes itself: the same conversation, without the network.</summary>
internal sealed class LocalPart : IPeerStream<BackupRequest, BackupPiece>
{
    private readonly InMemoryPeerStream<BackupRequest, BackupPiece> _near;
    private readonly CancellationTokenSource _ending;
    private readonly Task _serving;

    public LocalPart(NodeIdentity self, BackupDonor donor, CancellationToken cancellation)
    {
        _ending = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        (_near, var far) = InMemoryPeerStream<BackupRequest, BackupPiece>.CreatePair(self.Address, self.Address, capacity: 4);
        _serving = ServeAsync(donor, far, _ending.Token);
    }

    public ValueTask SendAsync(BackupRequest message, CancellationToken cancellation) => _near.SendAsync(message, cancellation);

    public async ValueTask<BackupPiece?> ReceiveAsync(CancellationToken cancellation)
    {
        if (await _near.ReceiveAsync(cancellation) is { } piece) return piece;
        // Why it ended.
        await _serving;
        return null;
    }

    public async ValueTask DisposeAsync()
    {
        _ending.Cancel();
        await _near.DisposeAsync();
        // How it ended was told to whoever waited for a piece.
        await Task.WhenAny(_serving);
        _ending.Dispose();
    }

    // Whoever is asked next must not wait for what is being read here.
    private static async Task ServeAsync(BackupDonor donor, InMemoryPeerStream<BackupPiece, BackupRequest> far, CancellationToken cancellation)
    {
        await using var stream = far;
        await Task.Yield();
        await donor.ServeAsync(await far.ReceiveAsync(cancellation), far, cancellation);
    }
}
