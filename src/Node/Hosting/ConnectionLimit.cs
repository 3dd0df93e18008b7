using Kv.Node.Signals;
using Kv.Node.Telemetry;
using Microsoft.AspNetCore.Connections;

namespace Kv.Node.Hosting;

/// <summary>
/// Bounds the connections of one door. Kestrel's own limit turns away whoever comes last, and a crowd of idle connections would keep out everybody, a health probe too; here they make
/// room. A connection is idle while no request is under way on it, so one whose headers never end is as well.
/// </summary>
internal sealed class ConnectionLimit(int limit, TimeSpan patience, KvMetrics? metrics)
{
    private readonly ReclaimableSlots _slots = new(limit, patience, TimeProvider.System);

    /// <summary>Below HTTP: gives each connection its slot.</summary>
    public ConnectionDelegate Guard(ConnectionDelegate next) => async connection =>
    {
        using var slot = _slots.TryEnter(() =>
        {
            metrics?.Shed("connections");
            connection.Abort(new ConnectionAbortedException("Another connection needs the room."));
        });
        if (slot is null)
        {
            metrics?.Shed("connections");
            connection.Abort(new ConnectionAbortedException("There are too many connections."));
            return;
        }

        connection.Features.Set(slot);
        await next(connection);
    };

    /// <summary>Within HTTP: while a request is under way, its connection stays.</summary>
    public static async Task MarkBusyAsync(HttpContext context, RequestDelegate next)
    {
        var slot = context.Features.Get<ReclaimableSlots.Slot>();
        slot?.BeginWork();
        try
        {
            await next(context);
        }
        finally
        {
            slot?.EndWork();
        }
    }
}
