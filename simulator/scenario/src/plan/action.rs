//! What wallets of a plan do.

use protocol::{Amount, policy::ResourceControlPolicy};

use super::{
    BundlePlan, CallPlan, ChainIndex, ChainSet, Chooser, OwnerIndex, OwnershipPlan,
    PermissionsPlan, ValidatorIndex,
};

/// What a wallet does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Send tokens.
    Transfer {
        /// Which account of the acting chain pays.
        from: Account,
        /// Which chain gets them.
        to: Chooser,
        /// Which account there.
        account: Account,
        /// How many.
        amount: Amount,
    },
    /// Ask for tokens of an owner's account on another chain.
    Claim {
        /// Whose account; the block must be proposed by that owner.
        owner: OwnerIndex,
        /// The chain that has the account.
        target: ChainIndex,
        /// Which chain gets them.
        to: ChainIndex,
        /// Which account there.
        account: Account,
        /// How many.
        amount: Amount,
    },
    /// Let somebody spend from the account of the acting owner.
    Approve {
        /// Who may spend.
        spender: OwnerIndex,
        /// How much.
        amount: Amount,
    },
    /// Spend from the account of an owner who lets one.
    TransferFrom {
        /// Whose account of the acting chain.
        owner: OwnerIndex,
        /// Which chain gets it.
        to: Chooser,
        /// Which account there.
        account: Account,
        /// How much.
        amount: Amount,
    },
    /// Send several messages at once; boxed, since most actions are small.
    SendBundle(Box<BundlePlan>),
    /// Hand a payment from one's own account in to a public chain.
    Submit {
        /// The public chain.
        chain: ChainIndex,
        /// Which chain gets the tokens.
        to: Chooser,
        /// Which account there.
        account: Account,
        /// How many.
        amount: Amount,
    },
    /// Open a chain, whose plan says everything else.
    OpenChain(ChainIndex),
    /// Take in waiting messages.
    ProcessInbox,
    /// Pay many chains the same in one block.
    Airdrop {
        /// The chains that get the tokens.
        to: ChainSet,
        /// How many each of them gets.
        amount: Amount,
    },
    /// Take in the newest message of each sender, and jump over what may be jumped over.
    TakeNewest,
    /// Give the chain other owners.
    ChangeOwnership(OwnershipPlan),
    /// Close the chain for good.
    CloseChain,
    /// Begin an epoch with these validators and voting weights, prices and limits. On the admin chain.
    NewCommittee(Vec<(ValidatorIndex, u64)>, Box<ResourceControlPolicy>),
    /// Revoke an epoch. On the admin chain.
    RevokeEpoch(u32),
    /// Publish these blobs.
    PublishBlobs(Vec<BlobPlan>),
    /// Put on record that a blob exists.
    VerifyBlob(BlobPlan),
    /// Change what applications may do on the chain.
    ChangePermissions {
        /// What they may do from the next block on.
        permissions: PermissionsPlan,
        /// Whether the same block closes the chain.
        close: bool,
    },
    /// Ask something of an application.
    Call(Box<CallPlan>),
}

/// A blob: its bytes follow from its name and size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlobPlan {
    /// Its name.
    pub name: String,
    /// How many bytes it has.
    pub size: u64,
}

/// An account of a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Account {
    /// The chain's own balance.
    Chain,
    /// The account of an owner there.
    Owner(OwnerIndex),
    /// The account there of the owner who acts.
    Own,
}
