using Kv.TestSupport;

namespace Kv.Node.Tests.Rest;

/// <summary>Goes through a listing page by page, with the token of the page before.</summary>
internal static class Walk
{
    public static string PathOf(string prefix) => $"/key-value-store?prefix={Uri.EscapeDataString(prefix)}";

    public static async Task<IReadOnlyList<(string Key, string Value, string Version)>> AllAsync(KvClient client, string prefix, int limit, string? token = null, Func<int, Task>? betweenPages = null) =>
        await AllAsync(_ => client, prefix, limit, token, betweenPages);

    /// <param name="clientOf">Whom to ask for which page.</param>
    /// <param name="prefix">Of the keys.</param>
    /// <param name="limit">Of each page.</param>
    /// <param name="token">What the client has seen before.</param>
    /// <param name="betweenPages">Is told how many pages there were.</param>
    public static async Task<IReadOnlyList<(string Key, string Value, string Version)>> AllAsync(
        Func<int, KvClient> clientOf, string prefix, int limit, string? token = null, Func<int, Task>? betweenPages = null)
    {
        var listed = new List<(string, string, string)>();
        var cursor = "";
        for (var pages = 0; ; pages++)
        {
            var page = await clientOf(pages).GetPathAsync($"{PathOf(prefix)}&limit={KvClient.Number(limit)}&cursor={cursor}", token);
            Assert.True(page.Status == 200, page.ToString());
            var keys = page.Member("keys").EnumerateArray().ToList();
            Assert.InRange(keys.Count, 0, limit);
            listed.AddRange(keys.Select(key => (key.GetProperty("key").GetString()!, key.GetProperty("value").GetRawText(), key.GetProperty("version").GetString()!)));
            token = page.Token;
            if (!page.HasMember("cursor")) return listed;
            cursor = page.Text("cursor");
            if (betweenPages is not null) await betweenPages(pages + 1);
        }
    }
}
