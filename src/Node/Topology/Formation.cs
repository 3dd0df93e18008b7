using Kv.Common.Consensus;
using Kv.Common.Identity;
using Kv.Common.Topology;
using Kv.Node.Peers;

namespace Kv.Node.Topology;

/// <summary>
/// Turns a cluster that VIEW merely describes into one whose topology names its nodes. 1. Greet the others until enough of them have recorded this node as
/// the first at its address; then it may vote. 2. When all of VIEW are there, or a majority after some patience, have the seal decided. Requests are
/// served meanwhile; only changes wait.
/// </summary>
internal sealed partial class Formation(
    NodeIdentity self,
    TopologyRegister register,
    TopologyChanges changes,
    IPeerTransport transport,
    TimeProvider time,
    Random random,
    TopologyOptions options,
    ILogger<Formation> logger)
{
    private readonly Dictionary<NodeAddress, Incarnation> _present = [];

    /// <summary>Ends when the topology is sealed, by whomever, or at cancellation.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        try
        {
            var view = register.Topology.Current;
            // A node that joins is not greeted; it waits until those who form the cluster have done so.
            if (view.IsSealed || !view.Includes(self.Address)) return;
            var establishment = new Establishment(view.Members, self.Address);
            _present[self.Address] = self.Incarnation;
            var began = time.GetTimestamp();
            while (!register.Topology.Current.IsSealed)
            {
                // 1.
                establishment = await GreetAsync(establishment, view, cancellation);
                if (establishment.IsEstablished) await register.EstablishAsync();

                // 2. The first of those present goes ahead; the others follow if it does not.
                if (establishment.IsEstablished && IsTime(view, time.GetElapsedTime(began)))
                {
                    LogSealing(logger, _present.Count, view.Members.Length);
                    await changes.SealAsync(_present, cancellation);
                }

                await PauseAsync(cancellation);
            }
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
        }
    }

    private bool IsTime(ClusterTopology view, TimeSpan waited)
    {
        var turn = _present.Keys.Count(other => other.CompareTo(self.Address) < 0);
        var patience = _present.Count == view.Members.Length ? TimeSpan.Zero : options.SealPatience;
        return _present.Count > view.Members.Length / 2 && waited >= patience + (turn * options.HelloInterval);
    }

    private async Task<Establishment> GreetAsync(Establishment establishment, ClusterTopology view, CancellationToken cancellation)
    {
        var strangers = view.Members.Where(member => !_present.ContainsKey(member) || establishment.Missing.Contains(member)).ToList();
        foreach (var reply in await Task.WhenAll(strangers.Select(member => GreetAsync(member, cancellation))))
        {
            switch (reply)
            {
                case ControlReply.Greeted greeted:
                    _present[greeted.From.Address] = greeted.From.Incarnation;
                    if (greeted.Reply is HelloReply.Recorded) establishment = establishment.RecordedBy(greeted.From.Address);
                    break;
                case ControlReply.Holds { Topology.IsSealed: true } holds:
                    await TryLearnAsync(holds);
                    break;
            }
        }

        return establishment;
    }

    private async Task TryLearnAsync(ControlReply.Holds holds)
    {
        try
        {
            await register.LearnAsync(holds.Topology);
        }
        catch (InvalidOperationException conflict)
        {
            LogConflict(logger, holds.From.Address, conflict.Message);
        }
    }

    private async Task<ControlReply?> GreetAsync(NodeAddress member, CancellationToken cancellation)
    {
        using var timeout = new CancellationTokenSource(options.AnswerTimeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, timeout.Token);
        try
        {
            return await transport.CallAsync(member, new ControlRequest.Hello(), either.Token);
        }
        catch (PeerUnavailableException)
        {
            return null;
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return null;
        }
    }

    // Ends early when the seal becomes known.
    private async Task PauseAsync(CancellationToken cancellation)
    {
        using var pause = new CancellationTokenSource(options.HelloInterval * (0.5 + random.NextDouble()), time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, pause.Token);
        try
        {
            await register.Topology.WaitAsync(topology => topology.IsSealed, either.Token);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
        }
    }

    [LoggerMessage(6011, LogLevel.Error, "{Peer} acts on another history: {Reason}")]
    private static partial void LogConflict(ILogger logger, NodeAddress peer, string reason);

    [LoggerMessage(6010, LogLevel.Debug, "{Present} of {Members} nodes are there: sealing the topology")]
    private static partial void LogSealing(ILogger logger, int present, int members);
}
