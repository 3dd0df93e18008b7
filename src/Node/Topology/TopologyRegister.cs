using System.Threading.Channels;
using Kv.Common.Consensus;
using Kv.Common.Identity;
using Kv.Common.Topology;
using Kv.Node.Signals;

namespace Kv.Node.Topology;

/// <summary>
/// Sole owner of the topology this node acts on and of its votes on the next one. One loop takes the requests in turn: calculate, persist, publish,
/// answer. Nothing leaves it before it is durable, so a vote survives whatever happens to the process.
/// </summary>
internal sealed class TopologyRegister
{
    private const int MailboxCapacity = 256;

    private readonly NodeIdentity _self;
    private readonly AcceptorStore _store;
    private readonly Channel<Work> _mailbox = Channel.CreateBounded<Work>(new BoundedChannelOptions(MailboxCapacity) { SingleReader = true });
    private readonly bool _isStored;
    private RegisterState _state;

    /// <summary><paramref name="origin"/> is what a node goes by that has nothing stored yet.</summary>
    public TopologyRegister(NodeIdentity self, TopologyOrigin origin, AcceptorStore store)
    {
        _self = self;
        _store = store;
        var stored = store.Load();
        _isStored = stored is not null;
        _state = stored ?? RegisterState.New(self, origin);
        Topology = new(_state.Acceptor.Chosen);
    }

    /// <summary>The newest topology known to be decided; before any is, the one that VIEW and SHARD_COUNT give. Durable, and monotone.</summary>
    public Published<ClusterTopology> Topology { get; }

    /// <summary>True once a sealed topology has named this very node.</summary>
    public bool WasMember => Volatile.Read(ref _state).WasMember;

    /// <summary>True for a node that was made in the place of one that was removed.</summary>
    public bool IsUninvited => Volatile.Read(ref _state).IsUninvited;

    /// <summary>This node's answer, as an acceptor, to phase 1. Durable when the task completes.</summary>
    public ValueTask<AcceptorReply<ClusterTopology>> PrepareAsync(ClusterTopology parent, Ballot ballot) =>
        DoAsync(state => Voted(state, AcceptorCore.Prepare(state.Acceptor, parent, ballot)));

    /// <summary>This node's answer, as an acceptor, to phase 2. Durable when the task completes.</summary>
    public ValueTask<AcceptorReply<ClusterTopology>> AcceptAsync(ClusterTopology parent, Ballot ballot, ClusterTopology value) =>
        DoAsync(state => Voted(state, AcceptorCore.Accept(state.Acceptor, parent, ballot, value)));

    /// <summary>Takes in a decided topology; completes with the one that is durable here then, which may be newer.</summary>
    public ValueTask<ClusterTopology> LearnAsync(ClusterTopology topology) => DoAsync(state =>
    {
        var next = state.Learn(topology, _self);
        return (next, next.Acceptor.Chosen);
    });

    /// <summary>Records who is first at an address. Durable when the task completes.</summary>
    public ValueTask<HelloReply> HelloAsync(NodeAddress address, Incarnation incarnation) => DoAsync(state =>
    {
        var (firstSeen, reply) = state.FirstSeen.Hello(address, incarnation);
        return (state with { FirstSeen = firstSeen }, reply);
    });

    /// <summary>From now on this node votes on the seal. Durable when the task completes.</summary>
    public ValueTask<bool> EstablishAsync() => DoAsync(state => (state with { Acceptor = state.Acceptor.Establish() }, true));

    /// <summary>
    /// Serves until cancelled. Throws <see cref="Storage.StorageFailedException"/> when the disk fails, and <see cref="RemovedFromClusterException"/> when
    /// the node was removed and let in again meanwhile: it must stop then, before anything of it acts on the topology that says so.
    /// </summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        try
        {
            if (!_isStored) await _store.SaveAsync(_state);
            while (await _mailbox.Reader.WaitToReadAsync(cancellation))
            {
                while (_mailbox.Reader.TryRead(out var work)) await ServeAsync(work);
            }
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
        }
        finally
        {
            _mailbox.Writer.TryComplete();
            while (_mailbox.Reader.TryRead(out var work)) work.Cancel();
        }
    }

    private async ValueTask ServeAsync(Work work)
    {
        RegisterState? next;
        try
        {
            next = work.Apply(_state);
            if (next is not null && !ReferenceEquals(next, _state)) await _store.SaveAsync(next);
        }
        catch
        {
            work.Cancel();
            throw;
        }

        if (next is not null && !ReferenceEquals(next, _state))
        {
            var isNews = !ReferenceEquals(next.Acceptor.Chosen, _state.Acceptor.Chosen);
            Volatile.Write(ref _state, next);
            if (isNews) Topology.Publish(next.Acceptor.Chosen);
        }

        work.Answer();
    }

    private (RegisterState, AcceptorReply<ClusterTopology>) Voted(
        RegisterState state, (AcceptorState<ClusterTopology> Acceptor, AcceptorReply<ClusterTopology> Reply) voted)
    {
        // A proposer's parent is decided, so voting on what follows may mean to learn first.
        var learned = state.Learn(voted.Acceptor.Chosen, _self);
        return (ReferenceEquals(voted.Acceptor, state.Acceptor) ? state : learned with { Acceptor = voted.Acceptor }, voted.Reply);
    }

    private async ValueTask<TReply> DoAsync<TReply>(Func<RegisterState, (RegisterState, TReply)> step)
    {
        var work = new Work<TReply>(step);
        try
        {
            await _mailbox.Writer.WriteAsync(work);
        }
        catch (ChannelClosedException)
        {
            throw new OperationCanceledException("The node is stopping.");
        }

        return await work.Completion.Task;
    }

    private abstract class Work
    {
        /// <summary>The state after it; the same when nothing changes, null when the request is wrong.</summary>
        public abstract RegisterState? Apply(RegisterState state);

        public abstract void Answer();

        public abstract void Cancel();
    }

    private sealed class Work<TReply>(Func<RegisterState, (RegisterState, TReply)> step) : Work
    {
        private TReply? _reply;
        private Exception? _wrong;

        public TaskCompletionSource<TReply> Completion { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public override RegisterState? Apply(RegisterState state)
        {
            try
            {
                (var next, _reply) = step(state);
                return next;
            }
            catch (Exception wrong) when (wrong is ArgumentException or InvalidOperationException)
            {
                _wrong = wrong;
                return null;
            }
        }

        public override void Answer()
        {
            if (_wrong is null) Completion.TrySetResult(_reply!);
            else Completion.TrySetException(_wrong);
        }

        public override void Cancel() => Completion.TrySetCanceled(CancellationToken.None);
    }
}
