using System.Net;
using System.Net.Sockets;

namespace Kv.Node.Security;

/// <summary>
/// A bucket of requests for each client, which time fills, and a count of those under way. A client whose bucket is full and who has nothing under way need not be remembered, so the longest idle ones
/// are forgotten when there are too many; whoever then still finds no room shares a bucket with the others who did not: a crowd of new addresses limits itself.
/// </summary>
internal sealed class ClientLimits(ClientOptions options, TimeProvider time)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, Client> _clients = new(StringComparer.Ordinal);
    // Those with nothing under way, the longest idle first.
    private readonly LinkedList<Client> _idle = [];
    private readonly Client _crowd = new("", options.Capacity);

    public bool IsOn => options.IsOn;

    public int Tracked
    {
        get
        {
            lock (_gate) return _clients.Count;
        }
    }

    /// <summary>A network's worth of IPv6 is one client: whoever has one address of it has them all.</summary>
    public static string NameOf(IPAddress? address)
    {
        if (address is null) return "?";
        if (address.IsIPv4MappedToIPv6) address = address.MapToIPv4();
        return address.AddressFamily == AddressFamily.InterNetworkV6 ? Convert.ToHexString(address.GetAddressBytes().AsSpan(0, 8)) : address.ToString();
    }

    /// <summary>A place for a request until it is disposed of, or null and after how many seconds one may be there.</summary>
    public IDisposable? TryEnter(string name, out int retryAfterSeconds)
    {
        retryAfterSeconds = 1;
        lock (_gate)
        {
            var now = time.GetTimestamp();
            var client = Find(name, now);
            Fill(client, now);
            if (options.RequestsPerSecond > 0 && client.Requests < 1)
            {
                retryAfterSeconds = (int)Math.Clamp(Math.Ceiling((1 - client.Requests) / options.RequestsPerSecond), 1, 3600);
                return null;
            }

            if (options.MaxConcurrent > 0 && client.UnderWay >= options.MaxConcurrent) return null;
            client.Requests--;
            if (client.UnderWay++ == 0 && client.Node.List is not null) _idle.Remove(client.Node);
            return new Place(this, client);
        }
    }

    private Client Find(string name, long now)
    {
        if (_clients.TryGetValue(name, out var known))
        {
            if (known.Node.List is null) return known;
            _idle.Remove(known.Node);
            _idle.AddLast(known.Node);
            return known;
        }

        if (_clients.Count >= options.MaxTracked && !ForgetOne(now)) return _crowd;
        var client = new Client(name, options.Capacity) { FilledAt = now };
        _clients.Add(name, client);
        _idle.AddLast(client.Node);
        return client;
    }

    private bool ForgetOne(long now)
    {
        if (_idle.First?.Value is not { } longest) return false;
        Fill(longest, now);
        if (longest.Requests < options.Capacity && options.RequestsPerSecond > 0) return false;
        _idle.RemoveFirst();
        return _clients.Remove(longest.Name);
    }

    private void Fill(Client client, long now)
    {
        client.Requests = Math.Min(options.Capacity, client.Requests + (time.GetElapsedTime(client.FilledAt, now).TotalSeconds * options.RequestsPerSecond));
        client.FilledAt = now;
    }

    private void Leave(Client client)
    {
        lock (_gate)
        {
            if (--client.UnderWay == 0 && client != _crowd) _idle.AddLast(client.Node);
        }
    }

    private sealed class Client
    {
        public Client(string name, double requests)
        {
            (Name, Requests) = (name, requests);
            Node = new(this);
        }

        public string Name { get; }

        public LinkedListNode<Client> Node { get; }

        public double Requests { get; set; }

        public long FilledAt { get; set; }

        public int UnderWay { get; set; }
    }

    private sealed class Place(ClientLimits limits, Client client) : IDisposable
    {
        private int _left;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _left, 1) == 0) limits.Leave(client);
        }
    }
}
