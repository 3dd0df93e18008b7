using Kv.Common.Identity;
using Kv.Simulation.Time;

namespace Kv.Simulation.Network;

/// <summary>
/// The machines, and the links between them. A cut, a slow or a lossy link delays what TCP carries or breaks the connection; a machine without power
/// says nothing at all; one whose process was killed resets its connections.
/// </summary>
internal sealed class SimNetwork(Scheduler scheduler, Random random, IReadOnlyList<NodeAddress> addresses)
{
    /// <summary>How long an attempt to connect waits for an answer.</summary>
    public static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(1);

    private static readonly TimeSpan KeepAliveDelay = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan KeepAliveTimeout = TimeSpan.FromSeconds(4);
    private static readonly TimeSpan RetransmissionTimeout = TimeSpan.FromMilliseconds(200);

    private static readonly TimeSpan LongestRetransmission = TimeSpan.FromSeconds(2);

    private readonly Dictionary<(NodeAddress From, NodeAddress To), Link> _links = addresses
        .SelectMany(from => addresses.Select(to => (from, to)))
        .ToDictionary(pair => pair, _ => new Link());

    private readonly Dictionary<NodeAddress, Host> _hosts = addresses.ToDictionary(address => address, _ => new Host());
    private readonly List<IConnection> _connections = [];

    public Scheduler Scheduler => scheduler;

    /// <summary>The probability that a fetched batch arrives twice or out of order, as a call that was tried again gives it.</summary>
    public double FetchDisorder { get; set; }

    /// <summary>Connections to machines that lost power are pinged, and given up.</summary>
    public bool GivesUpSilentConnections { get; set; } = true;

    /// <summary>Told of every message that arrives, with its receiver; null when nobody wants to know.</summary>
    public Action<string, object>? Arrived { get; set; }

    public long MessagesDelivered { get; set; }

    public long SegmentsLost { get; private set; }

    public long ConnectionsBroken { get; private set; }

    public int OpenConnections => _connections.Count;

    public Link this[NodeAddress from, NodeAddress to] => _links[(from, to)];

    public IEnumerable<Link> Links => _links.Values;

    /// <summary>A process begins to answer at the address.</summary>
    public void Attach(NodeAddress address, SimTransport transport)
    {
        var host = _hosts[address];
        host.Process = transport;
        host.HasPower = true;
        // The machine is back and knows nothing of connections from before: it refuses what is still being sent to them.
        foreach (var flow in host.SentIntoTheDark) scheduler.After(TimeSpan.FromMilliseconds(random.Next(50, 2000)), flow.Refused);
        host.SentIntoTheDark.Clear();
    }

    /// <summary>The process at the address is gone; without power, nobody is told.</summary>
    public void Detach(NodeAddress address, bool losesPower)
    {
        var host = _hosts[address];
        var process = host.Process!.Process;
        host.Process = null;
        host.HasPower = !losesPower;
        if (losesPower)
        {
            if (GivesUpSilentConnections) _connections.FindAll(c => c.Opener == process || c.Acceptor == process).ForEach(PingInVain);
            return;
        }

        foreach (var connection in _connections.Where(c => c.Opener == process || c.Acceptor == process).ToList()) connection.OnProcessKilled(process);
    }

    // As the production transport's keep-alive does: without it, a side that has nothing to send never finds out.
    private void PingInVain(IConnection connection) =>
        scheduler.After(Between(KeepAliveDelay, KeepAliveDelay + KeepAliveTimeout), () => connection.OnPingUnanswered());

    /// <summary>Who answers at the address; null when the connection is refused.</summary>
    public SimTransport? At(NodeAddress address) => _hosts[address].Process;

    /// <summary>True when an attempt to connect gets an answer at all, be it a refusal.</summary>
    public bool Answers(NodeAddress from, NodeAddress to) => _hosts[to].HasPower && !this[from, to].IsCut && !this[to, from].IsCut;

    public void Remember(IConnection connection) => _connections.Add(connection);

    public void Forget(IConnection connection) => _connections.Remove(connection);

    /// <summary>Breaks the connections of one pair, or those that one of them opened to the other.</summary>
    public int BreakConnections(NodeAddress from, NodeAddress to, string reason)
    {
        var broken = _connections.Where(c => c.From.Equals(from) && c.To.Equals(to) && !c.Opener.IsDead).ToList();
        foreach (var connection in broken) connection.ResetByOpener(reason);
        ConnectionsBroken += broken.Count;
        return broken.Count;
    }

    public void Cut(NodeAddress from, NodeAddress to) => this[from, to].Cuts++;

    public void Heal(NodeAddress from, NodeAddress to)
    {
        var link = this[from, to];
        if (link.Cuts == 0 || --link.Cuts > 0) return;
        foreach (var flow in link.Stalled)
        {
            // Retransmission has backed off by now, and may have given up.
            var after = TimeSpan.FromMilliseconds(random.Next(5, 1500));
            if (random.Next(4) == 0) scheduler.After(after, flow.Refused);
            scheduler.After(after, flow.Retransmit);
        }

        link.Stalled.Clear();
    }

    public TimeSpan DrawDelay(Link link)
    {
        var delay = Between(link.Latency.Least, link.Latency.Most) + (link.Slowness * (0.5 + random.NextDouble()));
        var timeout = RetransmissionTimeout;
        // A pause of seconds at most: beyond that a connection is pinged, and given up.
        var loss = Math.Max(link.Loss, link.UsualLoss);
        while (loss > 0 && timeout < LongestRetransmission && random.NextDouble() < loss)
        {
            delay += timeout;
            timeout *= 2;
            SegmentsLost++;
        }

        return delay;
    }

    public bool Draw(double probability) => probability > 0 && random.NextDouble() < probability;

    /// <summary>Something arrived for a process that is no more: a living machine refuses it, a dead one says nothing.</summary>
    public void ArrivedAtDead(SimProcess receiver, IFlow flow)
    {
        var host = _hosts.Values.FirstOrDefault(h => h.LastProcess == receiver);
        if (host is { HasPower: false }) host.SentIntoTheDark.Add(flow);
        else scheduler.After(TimeSpan.FromMilliseconds(random.Next(1, 20)), flow.Refused);
    }

    private TimeSpan Between(TimeSpan least, TimeSpan most) => least + ((most - least) * random.NextDouble());

    private sealed class Host
    {
        private SimTransport? _process;

        public SimTransport? Process
        {
            get => _process;
            set
            {
                _process = value;
                LastProcess = value?.Process ?? LastProcess;
            }
        }

        public SimProcess? LastProcess { get; private set; }

        public bool HasPower { get; set; }

        public List<IFlow> SentIntoTheDark { get; } = [];
    }
}
