using System.Collections.Immutable;
using Kv.Common.Identity;
using Kv.Common.Membership;
using Kv.Node.Signals;

namespace Kv.Node.Membership;

/// <summary>
/// Whether this node is about to end by itself, and which peers have heard so. Every beat says it; those that are due when it changes are sent at once, so that nobody
/// has to find out by its silence.
/// </summary>
internal sealed class Departure
{
    private readonly Lock _gate = new();
    private readonly List<Action> _hurries = [];

    public Published<State> Current { get; } = new(new(DepartureStage.Staying, []));

    public DepartureStage Stage => Current.Current.Stage;

    /// <summary>Goes on to a later stage; nobody has heard of it yet.</summary>
    public void Announce(DepartureStage stage)
    {
        lock (_gate)
        {
            if (stage <= Stage) return;
            Current.Publish(new(stage, []));
            // Within, so that none is called that is not listening any more.
            foreach (var hurry in _hurries) hurry();
        }
    }

    /// <summary>A peer has answered a beat that was sent in this stage.</summary>
    public void Heard(NodeAddress peer, DepartureStage stage)
    {
        if (stage is DepartureStage.Staying) return;
        lock (_gate)
        {
            var now = Current.Current;
            if (now.Stage == stage && !now.Heard.Contains(peer)) Current.Publish(now with { Heard = now.Heard.Add(peer) });
        }
    }

    /// <summary>Calls <paramref name="hurry"/> with each announcement, until disposed; it must be quick.</summary>
    public IDisposable OnAnnounced(Action hurry)
    {
        lock (_gate) _hurries.Add(hurry);
        return new Listening(this, hurry);
    }

    /// <param name="Stage">What is announced.</param>
    /// <param name="Heard">Who has heard of it.</param>
    internal sealed record State(DepartureStage Stage, ImmutableHashSet<NodeAddress> Heard);

    private sealed class Listening(Departure departure, Action hurry) : IDisposable
    {
        public void Dispose()
        {
            lock (departure._gate) departure._hurries.Remove(hurry);
        }
    }
}
