using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace Kv.Console.Tests;

/// <summary>Looking for a key.</summary>
[Collection(nameof(Browsed))]
public sealed class ExplorerTests(Browsed browsed)
{
    [Fact]
    public async Task A_key_is_shown_with_its_value_what_it_depends_on_and_who_holds_it()
    {
        await using var console = await browsed.OpenAsync(node: 0);
        await LookUpAsync(console, Browsed.Effect);
        var result = console.Page.Locator("#explorer-result");
        await Expect(result.Locator("pre")).ToContainTextAsync("\"name\": \"olive\"");
        var holders = result.Locator("tr[data-holds='current']");
        await Expect(holders.First).ToBeVisibleAsync();
        Assert.True(await holders.CountAsync() >= 2);
        await Expect(result.Locator("dl")).ToContainTextAsync("Depends on");
        await Expect(result.Locator(".dot").First).ToContainTextAsync("127.0.0.1:");
        await Expect(console.Page.Locator("#ring-key .spot")).ToHaveCountAsync(1);
        var version = (await browsed.Nodes[0].Client.GetAsync(Browsed.Effect)).Version;
        await Expect(result.Locator("code").First).ToHaveAttributeAsync("title", version);
    }

    [Fact]
    public async Task One_that_is_not_there_or_is_no_key_is_said_to_be_so()
    {
        await using var console = await browsed.OpenAsync(node: 4);
        await LookUpAsync(console, "<b>nothing</b> &/%");
        await Expect(console.Page.Locator("#explorer-note")).ToContainTextAsync("No replica has such a key");
        await Expect(console.Page.Locator("#explorer-result h3")).ToHaveTextAsync("<b>nothing</b> &/%");
        await LookUpAsync(console, new string('x', 60));
        await Expect(console.Page.Locator("#explorer-note")).ToHaveTextAsync("Key is too long.");
        await Expect(console.Page.Locator("#explorer-result")).ToBeHiddenAsync();
    }

    private static async Task LookUpAsync(ConsolePage console, string key)
    {
        await console.Page.GetByLabel("Key", new() { Exact = true }).FillAsync(key);
        await console.Page.GetByRole(AriaRole.Button, new() { Name = "Look up" }).ClickAsync();
    }
}
