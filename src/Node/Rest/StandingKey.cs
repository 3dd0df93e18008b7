using Kv.Node.Security;

namespace Kv.Node.Rest;

/// <summary>
/// The API key for which an answer without end is given. Other requests are asked for their key once; this one has to hold for as long as the answer goes on, so it is judged again with every
/// version of the file of keys.
/// </summary>
internal sealed class StandingKey(Watched<ApiKeys> keys, ApiKey key, Role needed)
{
    /// <summary>Cancelled when the key is not known any more, or its role does not suffice.</summary>
    public CancellationToken Lost { get; private set; }

    /// <summary>What is wrong with it, as a request that came with it now would be told; null as long as it is good.</summary>
    public Problem? Refusal { get; private set; }

    /// <summary>Null where no key was asked for.</summary>
    public static StandingKey? Of(HttpContext context) => context.Features.Get<StandingKey>();

    /// <summary>Serves, and says so when the key is lost meanwhile; ending is for whoever serves.</summary>
    public async Task ServeAsync(HttpContext context, RequestDelegate serve)
    {
        using var lost = new CancellationTokenSource();
        using var ended = new CancellationTokenSource();
        Lost = lost.Token;
        context.Features.Set(this);
        var watching = WatchAsync(lost, ended.Token);
        try
        {
            await serve(context);
        }
        finally
        {
            ended.Cancel();
            await watching;
        }
    }

    private async Task WatchAsync(CancellationTokenSource lost, CancellationToken ended)
    {
        try
        {
            var without = await keys.WaitAsync(next => !(next.Find(key)?.Role >= needed), ended);
            Refusal = without.Find(key) is null ? Problems.KeyNotKnown : Problems.RoleTooSmall;
            lost.Cancel();
        }
        catch (OperationCanceledException) when (ended.IsCancellationRequested)
        {
        }
    }
}
