using Kv.Node.Storage;

namespace Kv.Node.Hosting;

/// <summary>Whether a node whose data are damaged may put them aside and be filled anew by its peers; <c>KV_REBUILD</c> or <c>--rebuild</c>.</summary>
internal enum Rebuild
{
    /// <summary><c>false</c>: it refuses to start.</summary>
    Never,

    /// <summary><c>true</c>: it may, if the data are damaged. Safe to leave on: sound data are never touched.</summary>
    WhenDamaged,

    /// <summary><c>force</c>: whatever the data are like, and even if VIEW names nobody who could fill it. Once, as long as what was put aside lies there.</summary>
    Once,
}

/// <summary>How damaged data are answered at start.</summary>
internal static partial class Rebuilding
{
    /// <summary>Makes settings of <c>--rebuild</c> and <c>--rebuild=force</c>, which the standard configuration would read together with what follows.</summary>
    public static string[] TranslateArguments(string[] args) => [.. args.Select(argument => argument switch
    {
        "--rebuild" => "--KV_REBUILD=true",
        "--rebuild=force" => "--KV_REBUILD=force",
        _ => argument,
    })];

    /// <summary>
    /// Builds a node; one whose data are damaged, or that was told to begin anew, after these were put aside if the settings say so. Throws what <paramref name="build"/> throws, and
    /// <see cref="StorageDamagedException"/>, which says what to do, when nothing may be put aside.
    /// </summary>
    public static async Task<T?> BuildAsync<T>(NodeOptions options, TimeProvider time, ILogger logger, Func<Task<T?>> build)
        where T : class
    {
        if (options.InMemory) return await build();
        if (options.Rebuild is Rebuild.Once && DamagedData.FindAside(options.DataDirectory) is null) PutAside(options, "An operator asked for it (KV_REBUILD=force).", time, logger);
        try
        {
            return await build();
        }
        catch (StorageDamagedException damage)
        {
            if (WhyNot(options) is { } reason) throw new StorageDamagedException($"{damage.Message} {reason}", damage);
            PutAside(options, damage.Message, time, logger);
            return await build();
        }
    }

    private static string? WhyNot(NodeOptions options)
    {
        if (options.Rebuild is Rebuild.Never) return "Nothing was changed. To have this node filled anew by its peers, start it with --rebuild or KV_REBUILD=true: its data are put aside, not deleted.";
        if (DamagedData.FindAside(options.DataDirectory) is { } aside) return $"It was rebuilt before, and what was damaged then is still in {aside}: look at the disk, move that away, and start it again.";
        return options.View.Count == 1 && options.Rebuild is not Rebuild.Once ? "It cannot be rebuilt, because VIEW names nobody else who could fill it; --rebuild=force begins without any data." : null;
    }

    private static void PutAside(NodeOptions options, string why, TimeProvider time, ILogger logger)
    {
        if (DataDirectory.PutAside(options.DataDirectory, why, time.GetUtcNow()) is { } aside) LogPutAside(logger, aside, why);
    }

    [LoggerMessage(1030, LogLevel.Warning, "Rebuilding: the data were put aside in {Aside}, and this node begins anew and is filled by its peers. {Why}")]
    private static partial void LogPutAside(ILogger logger, string aside, string why);
}
