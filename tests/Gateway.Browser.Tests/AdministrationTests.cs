using Gateway.Netns.Tests.Harness;
using Microsoft.Playwright;
using Xunit;

namespace Gateway.Browser.Tests;

/// <summary>What an admin does on the pages of accounts, tokens, audit and backup, and anybody on their profile.</summary>
public sealed class AdministrationTests(Administration gateway) : IClassFixture<Administration>
{
    private static readonly LocatorAssertionsToBeVisibleOptions Patient = new() { Timeout = 30_000 };

    [Fact]
    public async Task UserMadeOnThePage_SeesWhatTheRoleAllows_AndIsCutOffWhenLocked()
    {
        await using var admin = await gateway.OpenSignedIn();
        await using var bob = await gateway.OpenSignedIn(admin, "bob", "Viewer");
        await bob.GoTo("/peers");
        foreach (var hidden in new[] { "Accounts", "Audit", "Backup", "Settings" })
            await Assertions.Expect(bob.Page.GetByRole(AriaRole.Link, new PageGetByRoleOptions { Name = hidden, Exact = true })).ToHaveCountAsync(0);
        await bob.Page.GotoAsync("/accounts");
        await Assertions.Expect(bob.Page.GetByText("This is not for your role")).ToBeVisibleAsync(Patient);

        // An open page, whose connection ends with the access.
        await bob.GoTo("/peers");
        await Act(admin, "bob", "Lock");
        await admin.Page.GetByRole(AriaRole.Dialog).GetByRole(AriaRole.Button, new LocatorGetByRoleOptions { Name = "Lock", Exact = true }).ClickAsync();
        await Assertions.Expect(Row(admin, "bob")).ToContainTextAsync("Locked by an admin");
        await admin.Picture("account-locked");
        await bob.Page.WaitForURLAsync("**/account/sign-in**");
        await Assertions.Expect(bob.Page.Locator("#password")).ToBeVisibleAsync(Patient);

        await Act(admin, "bob", "Unlock");
        await Assertions.Expect(Row(admin, "bob")).ToContainTextAsync("Active");
    }

    [Fact]
    public async Task RoleChangedOnThePage_TheOpenPageFollows()
    {
        await using var admin = await gateway.OpenSignedIn();
        await using var carol = await gateway.OpenSignedIn(admin, "carol", "Admin");
        await carol.GoTo("/audit");
        await Act(admin, "carol", "Change");
        await admin.Choose(admin.Page.Locator(".mud-dialog .mud-select.input"), "Viewer");
        await admin.Button("Save").ClickAsync();
        await Assertions.Expect(Row(admin, "carol")).ToContainTextAsync("Viewer");
        await Assertions.Expect(carol.Page.GetByText("This is not for your role")).ToBeVisibleAsync(Patient);
        await Assertions.Expect(carol.Page.GetByRole(AriaRole.Link, new PageGetByRoleOptions { Name = "Audit", Exact = true })).ToHaveCountAsync(0);
    }

    [Fact]
    public async Task TokenMadeOnThePage_WorksUntilRevoked_AndTheAuditTellsOfIt()
    {
        await using var window = await gateway.OpenSignedIn();
        await window.GoTo("/tokens");
        await window.Button("Make a token").First.ClickAsync();
        await window.Input("What it is for").FillAsync("nightly");
        await window.Picture("token-create");
        await window.Button("Create").ClickAsync();
        var token = await window.Page.Locator(".once code").InnerTextAsync();
        await window.Button("I have it").ClickAsync();
        Assert.Equal(200, await Ask(token));
        await window.GoTo("/tokens");
        await Assertions.Expect(Row(window, "nightly")).ToContainTextAsync("now");
        Assert.DoesNotContain(token, await window.Page.ContentAsync(), StringComparison.Ordinal);

        await window.Button("Revoke nightly").ClickAsync();
        await window.Button("Revoke").ClickAsync();
        await Assertions.Expect(Row(window, "nightly")).ToHaveCountAsync(0);
        Assert.Equal(401, await Ask(token));

        await window.GoTo("/audit");
        await window.Page.GetByLabel("What", new PageGetByLabelOptions { Exact = true }).FillAsync("token.");
        await window.Page.WaitForURLAsync("**/audit?action=token.");
        await Row(window, "token.create").First.GetByRole(AriaRole.Button).ClickAsync();
        await Assertions.Expect(window.Page.Locator(".detail")).ToContainTextAsync("nightly");
        Assert.Contains("open=", window.Page.Url, StringComparison.Ordinal);
        await Assertions.Expect(Row(window, "sign-in")).ToHaveCountAsync(0);
        await window.Picture("audit-open");
        await window.Page.ReloadAsync();
        await Assertions.Expect(window.Page.Locator(".detail")).ToContainTextAsync("nightly");

        Task<int> Ask(string bearer) => window.Page.EvaluateAsync<int>("async token => (await fetch('/api/v1/status', { headers: { Authorization: `Bearer ${token}` } })).status", bearer);
    }

    [Fact]
    public async Task BackupTakenAndRestoredOnThePage_BringsBackWhatWas()
    {
        await using var window = await gateway.OpenSignedIn();
        using var files = new TemporaryDirectory();
        var file = Path.Combine(files.Path, "all.gwbackup");
        await window.GoTo("/backup");
        await window.Input("Passphrase").FillAsync("correct horse battery staple");
        await window.Input("The same again").FillAsync("correct horse battery");
        await window.Button("Download").ClickAsync();
        await window.Page.GetByText("The two differ.").WaitForAsync();
        await window.Input("The same again").FillAsync("correct horse battery staple");
        var download = await window.Page.RunAndWaitForDownloadAsync(() => window.Button("Download").ClickAsync());
        await download.SaveAsAsync(file);
        Assert.StartsWith("GWBACKUP", await File.ReadAllTextAsync(file), StringComparison.Ordinal);
        await using (await gateway.OpenSignedIn(window, "made-later", "Viewer")) await Assertions.Expect(Row(window, "made-later")).ToHaveCountAsync(1);

        await window.GoTo("/backup");
        await window.Page.Locator("#backup-file").SetInputFilesAsync(file);
        await window.Input("Its passphrase").FillAsync("not the passphrase at all");
        await RestoreAsync();
        await window.Page.GetByText("passphrase").And(window.Page.Locator(".mud-input-error, .problem *, .problem")).First.WaitForAsync();
        await window.Picture("backup-refused");
        await window.Input("Its passphrase").FillAsync("correct horse battery staple");
        await RestoreAsync();
        await window.Page.WaitForURLAsync("**/account/restored");
        await window.Picture("restored");
        await window.GoTo("/accounts");
        await Assertions.Expect(Row(window, Administration.Owner)).ToHaveCountAsync(1);
        await Assertions.Expect(Row(window, "made-later")).ToHaveCountAsync(0);

        async Task RestoreAsync()
        {
            await window.Button("Replace everything").ClickAsync();
            await window.Page.GetByRole(AriaRole.Dialog).GetByRole(AriaRole.Button, new LocatorGetByRoleOptions { Name = "Replace everything", Exact = true }).ClickAsync();
        }
    }

    [Fact]
    public async Task SessionEndedOnTheProfile_TheOtherBrowserMustSignInAgain()
    {
        await using var window = await gateway.OpenSignedIn();
        await using var dave = await gateway.OpenSignedIn(window, "dave", "Operator");
        await using var other = await gateway.Open();
        await other.Page.GotoAsync("/account/sign-in");
        await other.Page.Locator("#name").FillAsync("dave");
        await other.Page.Locator("#password").FillAsync(Administration.Password);
        await other.Button("Sign in").ClickAsync();
        await other.Heading("Overview").WaitForAsync();
        await other.GoTo("/events");

        await dave.GoTo("/profile");
        await dave.Picture("profile-user");
        await dave.Button("Sign out").ClickAsync();
        await Assertions.Expect(dave.Button("Sign out")).ToHaveCountAsync(0);
        await other.Page.WaitForURLAsync("**/account/sign-in**");
        await dave.GoTo("/profile");
        await dave.Page.GetByRole(AriaRole.Link, new PageGetByRoleOptions { Name = "Change it" }).ClickAsync();
        await dave.Heading("Change password").WaitForAsync();
    }

    private static ILocator Row(Window window, string text) => window.Page.Locator("tbody tr").Filter(new LocatorFilterOptions { HasText = text });

    private static async Task Act(Window window, string user, string action)
    {
        await window.Button($"Actions for {user}").ClickAsync();
        await window.Page.Locator(".mud-popover-open .mud-menu-item").GetByText(action, new LocatorGetByTextOptions { Exact = true }).ClickAsync();
    }
}
